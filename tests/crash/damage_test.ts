import { assert, assertEquals } from "@std/assert";
import { MiniError, MiniStore } from "@mini/state/store";
import { MemoryFileSystem } from "@mini/state/testing";
import { say } from "../support/report.ts";

const PATH = "/data/journal.jsonl";
const SEALED = "/data/journal.00000000000000000000.jsonl";

interface Journal {
  readonly name: string;
  /** The files, of which the one at `target` is damaged. */
  readonly files: ReadonlyMap<string, Uint8Array<ArrayBuffer>>;
  readonly target: string;
  readonly data: readonly string[];
}

async function write(close: boolean): Promise<MemoryFileSystem> {
  const fs = new MemoryFileSystem();
  const store = await MiniStore.open<string>(PATH, { fs });
  await store.append("first");
  await store.appendBatch(["second", "third"]);
  await store.rotate();
  await store.append("fourth");
  await Promise.all([store.append("fifth – 5"), store.append("sixth")]);
  await store.append("seventh");
  if (close) await store.close();
  return fs;
}

async function journals(): Promise<Journal[]> {
  const data = [
    "first",
    "second",
    "third",
    "fourth",
    "fifth – 5",
    "sixth",
    "seventh",
  ];
  const files = (fs: MemoryFileSystem) =>
    new Map([PATH, SEALED].map((path) => [path, fs.content(path)!]));
  const open = files(await write(false));
  const closed = files(await write(true));
  return [
    { name: "an open segment", files: open, target: PATH, data },
    { name: "a closed segment", files: closed, target: PATH, data },
    { name: "a sealed segment", files: open, target: SEALED, data },
  ];
}

type Verdict = "whole" | "cut" | "refused";

/** Opens the journal with its target damaged, and checks that nothing is lost in silence. */
async function judge(
  journal: Journal,
  damaged: Uint8Array<ArrayBuffer>,
  what: string,
  mayLoseTo: number,
): Promise<Verdict> {
  const fs = new MemoryFileSystem();
  for (const [path, bytes] of journal.files) fs.put(path, bytes);
  fs.put(journal.target, damaged);
  let found: string[];
  try {
    const store = await MiniStore.open<string>(PATH, { fs });
    found = await Array.fromAsync(store.replay(), (record) => record.data);
    await store.append("after");
  } catch (error) {
    if (!(error instanceof MiniError)) throw new Error(`${what}: ${error}`);
    assert(
      ["CORRUPT", "UNSUPPORTED_FORMAT"].includes(error.code),
      `${what}: ${error}`,
    );
    assertEquals(
      fs.content(journal.target),
      damaged,
      `${what}: the file was touched`,
    );
    return "refused";
  }
  assertEquals(
    found,
    journal.data.slice(0, found.length),
    `${what}: not a beginning`,
  );
  assert(
    found.length >= mayLoseTo,
    `${what}: lost in silence, ${found.length} left`,
  );
  fs.restart();
  const again = await MiniStore.open<string>(PATH, { fs });
  const after = await Array.fromAsync(again.replay(), (record) => record.data);
  assertEquals(after, [...found, "after"], `${what}: after recovery`);
  return found.length === journal.data.length ? "whole" : "cut";
}

function tally(name: string, kind: string, verdicts: readonly Verdict[]): void {
  const count = (verdict: Verdict) =>
    verdicts.filter((found) => found === verdict).length;
  say(
    `${kind} of ${name}: ${verdicts.length} verdicts, ${
      count("refused")
    } refused, ` +
      `${count("whole")} without loss, ${count("cut")} cut`,
  );
}

for (const journal of await journals()) {
  const { name, target, data } = journal;
  const bytes = journal.files.get(target)!;

  Deno.test(`no flipped bit of ${name} loses a record in silence`, async () => {
    const verdicts: Verdict[] = [];
    for (let bit = 0; bit < bytes.length * 8; bit++) {
      const damaged = bytes.slice();
      damaged[bit >> 3]! ^= 1 << (bit & 7);
      verdicts.push(await judge(journal, damaged, `bit ${bit}`, data.length));
    }
    tally(name, "every bit flip", verdicts);
    assert(!verdicts.includes("cut"));
  });

  Deno.test(`no cut of ${name} loses what a later mark says is durable`, async () => {
    const verdicts: Verdict[] = [];
    for (let cut = 0; cut < bytes.length; cut++) {
      // A file cut behind its header says nothing of what it held: that is beyond any log of one file.
      const isSealed = target === SEALED;
      const verdict = await judge(
        journal,
        bytes.slice(0, cut),
        `cut at ${cut}`,
        isSealed ? data.length : 3,
      );
      const isRefused = isSealed || cut <= bytes.indexOf(0x0a);
      assertEquals(verdict === "refused", isRefused, `cut at ${cut}`);
      verdicts.push(verdict);
    }
    tally(name, "every cut", verdicts);
  });

  Deno.test(`NULs from any byte of ${name} are torn, or refused where they cannot be`, async () => {
    const verdicts: Verdict[] = [];
    for (let from = 0; from < bytes.length; from++) {
      const damaged = bytes.slice().fill(0, from);
      const isSealed = target === SEALED;
      const verdict = await judge(
        journal,
        damaged,
        `NULs from ${from}`,
        isSealed ? data.length : 3,
      );
      if (isSealed) assertEquals(verdict, "refused", `NULs from ${from}`);
      verdicts.push(verdict);
    }
    tally(name, "NULs from every byte", verdicts);
  });

  Deno.test(`no byte of ${name} set to another loses a record in silence`, async () => {
    const verdicts: Verdict[] = [];
    for (let at = 0; at < bytes.length; at++) {
      for (
        const value of [0x00, 0x0a, 0x0d, 0x20, 0x22, 0x2c, 0x7b, 0x7d, 0xff]
      ) {
        if (bytes[at] === value) continue;
        const damaged = bytes.slice();
        damaged[at] = value;
        verdicts.push(
          await judge(journal, damaged, `byte ${at} = ${value}`, data.length),
        );
      }
    }
    tally(name, "bytes set", verdicts);
    assert(!verdicts.includes("cut"));
  });

  Deno.test(`no line of ${name} is deleted, doubled or swapped in silence`, async () => {
    const lines = new TextDecoder().decode(bytes).split("\n").slice(0, -1);
    const join = (parts: string[]) =>
      new TextEncoder().encode(parts.map((line) => `${line}\n`).join(""));
    const verdicts: Verdict[] = [];
    for (let index = 0; index < lines.length; index++) {
      const edits: [string, string[]][] = [
        ["doubled", lines.toSpliced(index, 0, lines[index]!)],
        ["followed by a blank line", lines.toSpliced(index + 1, 0, "")],
      ];
      // Without its last line a file is a shorter one, of which nothing can be told.
      if (index < lines.length - 1) {
        edits.push(["deleted", lines.toSpliced(index, 1)]);
        edits.push([
          "swapped",
          lines.toSpliced(index, 2, lines[index + 1]!, lines[index]!),
        ]);
      }
      for (const [what, edited] of edits) {
        const verdict = await judge(
          journal,
          join(edited),
          `line ${index} ${what}`,
          data.length,
        );
        assertEquals(verdict, "refused", `line ${index} ${what}`);
        verdicts.push(verdict);
      }
    }
    tally(name, "edits of lines", verdicts);
  });
}
