/** Journals, read by a program that knows docs/FORMAT.md and shares no code with ours. */
import { assert, assertEquals } from "@std/assert";
import { join } from "@std/path";
import { type LogRecord, MiniError, MiniStore } from "@mini/state/store";
import { MemoryFileSystem, Random, randomSeed } from "@mini/state/testing";
import { TestDirectory } from "../support/dir.ts";
import { damage } from "../support/hostile.ts";
import { fixture } from "../support/mini.ts";
import {
  noPython,
  type Told,
  told as theirs,
} from "../support/read_journal.ts";
import { say } from "../support/report.ts";
import { size } from "../support/size.ts";
import { skipped } from "../support/system.ts";

const PATH = "/data/journal.jsonl";
const LOCK = `${PATH}.lock`;
const SEALED = "/data/journal.00000000000000000000.jsonl";

/** A record as the program tells it. */
function recordLine({ seq, data, at }: LogRecord<unknown>): string {
  return JSON.stringify({ seq, data, at: at?.getTime() });
}

/** The account of this package: the records of `replay`, and what `open` finds. */
async function ours(
  fs: MemoryFileSystem,
  what: string,
): Promise<Told> {
  const records: Told = [];
  const refusal = await codeOf(async () => {
    for await (const record of MiniStore.replay(PATH, { fs })) {
      records.push(recordLine(record));
    }
  });
  let outcome = "";
  const verdict = await codeOf(async () => {
    outcome = (await MiniStore.open(PATH, { fs })).recovery.outcome;
  });
  // Which of two damages they meet first is their own affair.
  const agree = refusal === verdict ||
    what.includes("; ") && refusal && verdict;
  assert(agree, `${what}: replay says ${refusal} and open ${verdict}`);
  return [...records, verdict ?? (outcome === "created" ? "unclean" : outcome)];
}

async function codeOf(act: () => Promise<void>): Promise<string | undefined> {
  try {
    await act();
    return undefined;
  } catch (error) {
    if (error instanceof MiniError) return error.code;
    throw error;
  }
}

/** A journal with several segments, a batch, a group commit, and a clean end or not. */
async function written(close: boolean): Promise<MemoryFileSystem> {
  const fs = new MemoryFileSystem();
  const store = await MiniStore.open<unknown>(PATH, { fs, timestamps: true });
  await store.append({ "first – 1": [1, 2.5, -3e-7, null, true, "\u2028"] });
  await store.appendBatch(["second", "third"]);
  await store.rotate();
  await store.append("fourth");
  await Promise.all([5, 6, 7].map((at) => store.append(`group ${at}`)));
  await store.append("x".repeat(1_200));
  if (close) await store.close();
  return fs;
}

/** The same folder after a restart of the machine, to do something to. */
function copyOf(fs: MemoryFileSystem): MemoryFileSystem {
  const copy = new MemoryFileSystem();
  for (const name of fs.names("/data")) {
    if (!name.endsWith(".lock")) {
      copy.put(`/data/${name}`, fs.content(`/data/${name}`)!);
    }
  }
  return copy;
}

type Case = [what: string, fs: MemoryFileSystem];

/** Every cut, NULs from everywhere, lost sectors, and edits of whole lines. */
function* systematic(fs: MemoryFileSystem, step: number): Generator<Case> {
  for (const path of [PATH, SEALED]) {
    const bytes = fs.content(path)!;
    const changed = (what: string, content: Uint8Array<ArrayBuffer>): Case => {
      const copy = copyOf(fs);
      copy.put(path, content);
      return [`${path}: ${what}`, copy];
    };
    for (let at = 0; at < bytes.length; at += step) {
      yield changed(`cut at ${at}`, bytes.slice(0, at));
      yield changed(`NULs from ${at}`, bytes.slice().fill(0, at));
      const flipped = bytes.slice();
      flipped[at]! ^= 1 << (at % 8);
      yield changed(`a bit flipped at ${at}`, flipped);
    }
    for (let at = 0; at < bytes.length; at += 512) {
      yield changed(`lost sector ${at}`, bytes.slice().fill(0, at, at + 512));
    }
    const lines = new TextDecoder().decode(bytes).split(/(?<=\n)/);
    const joined = (parts: string[]) =>
      new TextEncoder().encode(parts.join(""));
    for (const [at, line] of lines.entries()) {
      yield changed(`no line ${at}`, joined(lines.toSpliced(at, 1)));
      yield changed(`line ${at} twice`, joined(lines.toSpliced(at, 0, line)));
      yield changed(`blank at ${at}`, joined(lines.toSpliced(at, 0, "\n")));
      yield changed(`CRLF at ${at}`, joined(lines.with(at, `${line}\r\n`)));
      yield changed(`BOM at ${at}`, joined(lines.with(at, `\ufeff${line}`)));
    }
  }
}

/** Segments that are missing, or another's. */
async function* foreign(fs: MemoryFileSystem): AsyncGenerator<Case> {
  for (const path of [PATH, SEALED]) {
    const without = copyOf(fs);
    await without.remove(path);
    yield [`no ${path}`, without];
    const other = copyOf(fs);
    other.put(path, (await written(true)).content(path)!);
    yield [`${path} of another journal`, other];
    const twice = copyOf(fs);
    twice.put(path, fs.content(path === PATH ? SEALED : PATH)!);
    yield [`${path} is the other segment`, twice];
  }
  for (const lock of [fs.content(LOCK)!, new Uint8Array(0)]) {
    const cut = copyOf(fs);
    await cut.remove(SEALED);
    cut.put(PATH, new Uint8Array(0));
    cut.put(LOCK, lock);
    yield [`nothing but a lock of ${lock.length} bytes`, cut];
  }
  const renamed = copyOf(fs);
  await renamed.rename(SEALED, SEALED.replace("00.", "01."));
  yield ["a sealed segment has another name", renamed];
}

async function onDisk(fs: MemoryFileSystem, dir: string): Promise<string> {
  await Deno.mkdir(dir);
  for (const name of fs.names("/data")) {
    await Deno.writeFile(join(dir, name), fs.content(`/data/${name}`)!);
  }
  return join(dir, "journal.jsonl");
}

const missing = await noPython();
if (missing !== undefined) {
  skipped("a reader made from docs/FORMAT.md", missing);
} else {
  Deno.test("a reader made from docs/FORMAT.md says of the fixtures what replay says", async () => {
    const names = ["whole", "torn", "flipped", "sealed-cut", "newer"];
    const paths = names.map((name) => fixture(`v1/${name}/journal.jsonl`));
    const told = await theirs(paths);
    assertEquals(told.map((lines) => lines.at(-1)), [
      "clean",
      "torn",
      "CORRUPT",
      "CORRUPT",
      "UNSUPPORTED_FORMAT",
    ]);
    for (const [at, path] of paths.entries()) {
      const records: string[] = [];
      try {
        for await (const record of MiniStore.replay(path)) {
          records.push(recordLine(record));
        }
      } catch (error) {
        if (!(error instanceof MiniError)) throw error;
        assertEquals(told[at]!.at(-1), error.code);
      }
      assertEquals(told[at]!.slice(0, -1), records, path);
    }
  });

  Deno.test("a reader made from docs/FORMAT.md says of damaged journals what replay and open say", async () => {
    await using directory = new TestDirectory();
    const seed = Number(Deno.env.get("SEED") ?? randomSeed());
    const random = new Random(seed);
    const cases: Case[] = [];
    for (const fs of [await written(true), await written(false)]) {
      cases.push(["as it was", copyOf(fs)], ...systematic(fs, size(9, 1)));
      for await (const one of foreign(fs)) cases.push(one);
      for (let left = size(100, 2_000); left > 0; left--) {
        const copy = copyOf(fs);
        const { what, isForged } = damage(copy, random);
        if (!isForged) cases.push([what, copy]);
      }
    }
    const paths: string[] = [];
    for (const [at, [, fs]] of cases.entries()) {
      paths.push(await onDisk(fs, directory.at(`case-${at}`)));
    }
    const told = await theirs(paths);
    const verdicts: Record<string, number> = {};
    for (const [at, [what, fs]] of cases.entries()) {
      const isTwofold = what.includes("; ");
      const want = await ours(fs, `${what} (SEED=${seed})`);
      const verdict = want.at(-1)!;
      verdicts[verdict] = (verdicts[verdict] ?? 0) + 1;
      // The limit on the length of a line is the reader's own.
      if (verdict === "TOO_LARGE") continue;
      const isRefused = /^[A-Z_]+$/;
      if (isRefused.test(verdict)) {
        // Which records are handed out before a refusal is each reader's own affair.
        const code = told[at]!.at(-1)!;
        assert(
          code === verdict || isTwofold && isRefused.test(code),
          `${what}: ${code} in place of ${verdict} (SEED=${seed})`,
        );
      } else assertEquals(told[at], want, `${what} (SEED=${seed})`);
    }
    say(
      `a reader made from docs/FORMAT.md: ${cases.length} verdicts, ` +
        `${JSON.stringify(verdicts)}, SEED=${seed}`,
    );
  });
}
