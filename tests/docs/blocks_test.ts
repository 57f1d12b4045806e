/** Every block of code in the documents is run, or compared with what is real. */
import {
  assert,
  assertEquals,
  assertMatch,
  assertNotEquals,
} from "@std/assert";
import { join } from "@std/path";
import {
  applyToLedger,
  emptyLedger,
  type LedgerEntry,
  MiniQueue,
} from "@mini/state/queue";
import { SnapStore } from "@mini/state/snap";
import { StateManager } from "@mini/state/state";
import { MiniStore } from "@mini/state/store";
import {
  type Block,
  blocksOf,
  documents,
  installBlocks,
} from "../../scripts/documents.ts";
import { ROOT } from "../support/child.ts";
import { TestDirectory } from "../support/dir.ts";
import { say } from "../support/report.ts";
import { Scratch } from "../support/scratch.ts";
import { skipped } from "../support/system.ts";

const { tasks }: { tasks: Record<string, unknown> } = JSON.parse(
  await Deno.readTextFile(join(ROOT, "deno.json")),
);
const blocks: Block[] = [];
for (const document of await documents()) {
  blocks.push(
    ...blocksOf(document, await Deno.readTextFile(join(ROOT, document))),
  );
}

/** Blocks that nothing runs, by how they begin, and why. */
const NOT_RUN: readonly [document: string, start: string, why: string][] = [
  [
    "docs/FORMAT.md",
    "journal.00000000000000000000.jsonl   sealed",
    "names, which the tests of the store look for",
  ],
  [
    "docs/FORMAT.md",
    "crc = crc32(line[18:], R)",
    "a formula, which tests/support/read_journal.py follows",
  ],
  [
    "docs/FORMAT.md",
    '{"crc":"ef06873a","mini":1,',
    "a position, from which tests/store/consumer_test.ts continues",
  ],
];

/** Commands that run until they are stopped. */
const ENDLESS = /^mini (?:tail -f|inspect)\b/;

function where({ document, line }: Block): string {
  return `${document}:${line}`;
}

function ofKind(...kinds: string[]): Block[] {
  return blocks.filter(({ kind }) => kinds.includes(kind));
}

Deno.test("every block of code in the documents is of a kind that is run or compared", () => {
  const kinds: Record<string, string> = {
    "ts": "by the gate, with deno test --doc",
    "ts ignore":
      "not at all, because it needs servers; the tests of jetstream/ do the same",
    "conf": "by a server, in tests/jetstream/permissions_test.ts",
    "sh": "here, line by line",
    "console": "here, and its output compared",
    "jsonl journal": "replayed as a journal",
    "json snapshot": "restored as a snapshot",
    "jsonl state": "opened as the log of a state",
    "jsonl queue": "taken by the ledger of a queue",
    "jsonl inbox": "taken in by a queue",
    "text": "not at all, for a reason in NOT_RUN",
  };
  for (const block of blocks) {
    assert(
      block.kind in kinds,
      `${where(block)}: nothing runs a block of kind "${block.kind}"`,
    );
  }
  for (const block of ofKind("text")) {
    const isKnown = NOT_RUN.some(([document, start]) =>
      document === block.document && block.text.startsWith(start)
    );
    assert(isKnown, `${where(block)}: say in NOT_RUN why nothing runs this`);
  }
  const fences = blocks.length;
  assert(fences > 20, `only ${fences} blocks were found`);
  say(`the documents: ${fences} blocks, ${NOT_RUN.length} of them not run`);
});

Deno.test("every journal in the documents is one, checksums and all", async () => {
  for (const block of ofKind("jsonl journal")) {
    await using directory = new TestDirectory();
    await Deno.writeTextFile(directory.at(), block.text);
    const records = await Array.fromAsync(MiniStore.replay(directory.at()));
    assert(records.length > 0, where(block));
    const lines = block.text.trimEnd().split("\n");
    const isClosed = lines.at(-2)!.includes('"close":');
    await using store = await MiniStore.open(directory.at());
    const { outcome } = store.recovery;
    assertEquals(outcome, isClosed ? "clean" : "unclean", where(block));
  }
});

Deno.test("every snapshot in the documents is one, checksum and all", async () => {
  for (const block of ofKind("json snapshot")) {
    await using directory = new TestDirectory();
    const seq = String(JSON.parse(block.text).seq).padStart(20, "0");
    await Deno.writeTextFile(directory.at(`snapshot_${seq}.json`), block.text);
    const isInParts = block.text.includes('"parts"');
    const snaps = new SnapStore<unknown>(directory.path, {
      ...(isInParts &&
        { codec: { encode: () => [], decode: Array.fromAsync } }),
    });
    assertEquals((await snaps.restore())?.seq, Number(seq), where(block));
  }
});

Deno.test("every log of a state in the documents opens as one", async () => {
  for (const block of ofKind("jsonl state")) {
    await using directory = new TestDirectory();
    const entries = entriesOf(block);
    {
      await using store = await MiniStore.open<unknown>(directory.at());
      for (const entry of entries) await store.append(entry);
    }
    await using state = await StateManager.open(directory.path, {
      initial: (): unknown[] => [],
      apply: (state, mutation: unknown) => [...state, mutation],
      version: 2,
    });
    const aborted = entries.flatMap((entry) => entry.abort as number ?? []);
    const applied = entries.filter((_, at) => !aborted.includes(at + 1))
      .flatMap((entry) => entry.applyBatch ?? entry.apply ?? []);
    assertEquals(state.recovery.aborted, aborted, where(block));
    assertEquals(state.state, applied, where(block));
  }
});

Deno.test("every log of a queue in the documents is taken by a ledger", async () => {
  for (const block of ofKind("jsonl queue")) {
    const ledger = emptyLedger();
    for (const entry of entriesOf(block)) {
      const before = JSON.stringify(ledger);
      applyToLedger(ledger, entry as LedgerEntry);
      assertNotEquals(
        JSON.stringify(ledger),
        before,
        `${where(block)}: no effect`,
      );
    }
    await using directory = new TestDirectory();
    {
      await using store = await MiniStore.open<unknown>(directory.at());
      for (const entry of entriesOf(block)) {
        await store.append({ apply: entry });
      }
    }
    await using queue = await MiniQueue.open(directory.path);
    assertEquals((await queue.stats()).paused, ledger.paused, where(block));
  }
});

Deno.test("every file of an inbox in the documents is taken in", async () => {
  for (const block of ofKind("jsonl inbox")) {
    await using directory = new TestDirectory();
    await using queue = await MiniQueue.open(directory.path, { inbox: true });
    const name = `${"0f".repeat(16)}.${"1".padStart(20, "0")}.json`;
    await Deno.writeTextFile(directory.at(`inbox/${name}`), block.text);
    const messages = await queue.peek();
    const { messages: posted } = JSON.parse(block.text);
    assertEquals(messages.length, posted.length, where(block));
  }
});

if (Deno.build.os === "windows") {
  skipped("the commands in the documents", "they are for sh");
} else {
  Deno.test("every command in the documents does what it says", async (t) => {
    await using scratch = await Scratch.make();
    for (const block of blocks) {
      if (block.kind === "sh") {
        await t.step(where(block), () => runCommands(block, scratch));
      } else if (block.kind === "console") {
        await t.step(where(block), () => compareTranscript(block, scratch));
      } else if (block.document === "docs/MIGRATION.md") {
        await t.step(where(block), () => runTwice(block, scratch));
      }
    }
  });
}

function entriesOf({ text }: Block): Record<string, unknown>[] {
  return text.trimEnd().split("\n").map((line) => JSON.parse(line));
}

async function runCommands(block: Block, scratch: Scratch): Promise<void> {
  // `deno task runtimes` runs those, with the package as JSR and npm serve it.
  const isInstall = (await installBlocks()).some(({ document, text }) =>
    document === block.document && text === block.text
  );
  if (isInstall) return;
  for (const text of block.text.trimEnd().split("\n")) {
    const line = text.replace(/ +# .*$/, "");
    const place = `${where(block)}: ${line}`;
    const task = /^(?:npx -y deno@\S+|deno) task (\S+)$/.exec(
      line.replace(/^\w+=\S+ /, ""),
    )?.[1];
    if (task !== undefined) {
      // Tasks run this test, or take longer.
      assert(task in tasks, `${place}: there is no such task`);
      continue;
    }
    assertMatch(
      line,
      /^(mini|deno run|npx -y deno@\S+ run) /,
      `${place}: nobody knows how to run it`,
    );
    const isEndless = ENDLESS.test(line);
    const cwd = line.startsWith("npx ") ? ROOT : scratch.at("");
    const { code, output } = await scratch.run(line, { cwd, isEndless });
    // 1 is what `mini` says where it has found something.
    assert(
      code === 0 || code === 1 && line.startsWith("mini "),
      `${place}: ${output}`,
    );
    assert(
      output !== "" && !output.startsWith("mini: "),
      `${place}: ${output}`,
    );
  }
}

async function compareTranscript(
  block: Block,
  scratch: Scratch,
): Promise<void> {
  let told = "";
  for (const line of block.text.split("\n")) {
    if (!line.startsWith("$ ")) continue;
    told += `${line}\n${(await scratch.run(line.slice(2))).output}`;
  }
  // An ellipsis stands for anything within a line.
  const pattern = block.text.split("…").map(RegExp.escape).join(".*");
  assertMatch(told, new RegExp(`^${pattern}$`), `${where(block)}:\n${told}`);
}

/** Runs a script twice; the comment after its last line has the output of both runs. */
async function runTwice(block: Block, scratch: Scratch): Promise<void> {
  await Deno.writeTextFile(scratch.at("main.ts"), block.text);
  const last = block.text.trimEnd().split("\n").at(-1)!;
  const [first = "", next = first] = / \/\/ (.*)$/.exec(last)![1]!
    .split(/, and (.*) when it is run again/);
  for (const printed of [first, next]) {
    const { output } = await scratch.run("deno run -q -A main.ts");
    assertEquals(output.trim(), printed, where(block));
  }
}
