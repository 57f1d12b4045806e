import { assert, assertEquals, assertRejects } from "@std/assert";
import { type SnapCodec, SnapStore } from "@mini/state/snap";
import { MiniStore, type Schema } from "@mini/state/store";
import { MemoryFileSystem } from "@mini/state/testing";
import { openCounter } from "../support/counter.ts";
import { TestDirectory } from "../support/dir.ts";
import { errorOf } from "../support/journal.ts";
import { MemoryLog } from "../support/memory_log.ts";
import { SpellingFileSystem, SPELLINGS } from "../support/spelling.ts";

Deno.test("StateManager works on another log, with its snapshots in the directory", async () => {
  await using directory = new TestDirectory();
  const log = new MemoryLog();
  {
    await using counter = await openCounter(directory.path, { log });
    assertEquals(counter.recovery.outcome, "created");
    await counter.apply({ by: 1 });
    await counter.applyBatch([{ by: 2 }, { by: 3 }]);
    await errorOf(counter.apply({ by: 100, fail: true }));
    await counter.compact();
    await counter.apply({ by: 4 });
    const notes = counter.watch({ from: 5 })[Symbol.asyncIterator]();
    const { value } = await notes.next();
    assertEquals(value, { seq: 5, mutation: { by: 4 } });
  }
  assert(log.isClosed);
  assertEquals(log.records.map(({ seq }) => seq), [5]);
  await using again = await openCounter(directory.path, {
    log: log.reopen(),
  });
  assertEquals([again.state.value, again.sequence], [10, 5]);
  assertEquals(again.recovery.snapshotSequence, 4);
});

Deno.test("StateManager refuses a snapshot ahead of a log that cannot skip", async () => {
  await using directory = new TestDirectory();
  const log = new MemoryLog();
  {
    await using counter = await openCounter(directory.path, { log });
    await counter.apply({ by: 1 });
    await counter.createSnapshot();
  }
  const error = await errorOf(
    openCounter(directory.path, { log: new MemoryLog() }),
  );
  assertEquals(error.code, "CORRUPT");
});

/** A counter that begins with a snapshot of records whose aborts it has not read: 1, 2, 3 with its abort, 5. */
async function withPast(directory: TestDirectory) {
  const log = new MemoryLog();
  {
    await using counter = await openCounter(directory.path, { log });
    for (const by of [1, 2]) await counter.apply({ by });
    await errorOf(counter.apply({ by: 3, fail: true }));
    await counter.apply({ by: 4 });
    await counter.createSnapshot();
  }
  const again = log.reopen();
  const counter = await openCounter(directory.path, { log: again });
  return { log: again, counter };
}

Deno.test("StateManager.history() beside a compaction gives what that leaves", async () => {
  await using directory = new TestDirectory();
  const { log, counter } = await withPast(directory);
  const history = counter.history();
  await log.compact(2);
  assertEquals(await Array.fromAsync(history), [
    { seq: 5, mutation: { by: 4 } },
  ]);
  await counter.close();
});

Deno.test("StateManager.history() gives nothing of which a compaction has removed whether it has an effect", async () => {
  await using directory = new TestDirectory();
  const { log, counter } = await withPast(directory);
  const history = counter.history({ from: 3 });
  // The second reading is for what was aborted.
  let readings = 0;
  log.beforeReplay = () => ++readings === 2 ? log.compact(4) : undefined;
  assertEquals((await errorOf(Array.fromAsync(history))).code, "COMPACTED");
  await counter.close();
});

Deno.test("StateManager.history() says what fails when it looks for what was aborted", async () => {
  await using directory = new TestDirectory();
  const { log, counter } = await withPast(directory);
  let readings = 0;
  log.beforeReplay = () => {
    if (++readings === 2) throw new Error("out of reach");
  };
  const history = () => Array.fromAsync(counter.history());
  await assertRejects(history, Error, "out of reach");
  assertEquals((await history()).map(({ seq }) => seq), [1, 2, 5]);
  await counter.close();
});

Deno.test("StateManager refuses a snapshot that belongs to another log, and says which", async () => {
  await using directory = new TestDirectory();
  for (const name of ["one", "two"]) {
    await using counter = await openCounter(directory.at(name));
    await counter.applyBatch([{ by: 1 }]);
    await counter.createSnapshot();
  }
  const snapshot = `snapshot_${"1".padStart(20, "0")}.json`;
  const own = await Deno.readTextFile(directory.at(`two/${snapshot}`));
  await Deno.copyFile(
    directory.at(`one/${snapshot}`),
    directory.at(`two/${snapshot}`),
  );
  const error = await errorOf(openCounter(directory.at("two")));
  assertEquals(error.code, "CORRUPT");
  assert(error.message.includes(JSON.parse(own).journal), error.message);
  await Deno.writeTextFile(directory.at(`two/${snapshot}`), own);
  await using again = await openCounter(directory.at("two"));
  assertEquals(again.state.value, 1);
});

Deno.test("StateManager continues under the id of the log that was lost, so that its snapshots stay its own", async () => {
  await using directory = new TestDirectory();
  const journalOf = async (path: string) =>
    /"journal": ?"(\w+)"/.exec(await Deno.readTextFile(directory.at(path)))![1];
  {
    await using counter = await openCounter(directory.path);
    await counter.apply({ by: 1 });
    await counter.createSnapshot();
  }
  const lost = await journalOf("journal.jsonl");
  await Deno.remove(directory.at("journal.jsonl"));
  for (const seq of [2, 3]) {
    await using counter = await openCounter(directory.path);
    assertEquals(await counter.apply({ by: 1 }), seq);
    await counter.createSnapshot();
  }
  const names = [2, 3].map((seq) =>
    `snapshot_${String(seq).padStart(20, "0")}.json`
  );
  for (const name of ["journal.jsonl", ...names]) {
    assertEquals(await journalOf(name), lost, name);
  }
});

for (const spelling of SPELLINGS) {
  const { what, two: [first, second] } = spelling;
  Deno.test(`StateManager opens again, and alone, where the file system does not tell ${what}`, async () => {
    const fs = new SpellingFileSystem(spelling);
    for (const [turn, stem] of [first, first, second].entries()) {
      const journal = `${stem}.jsonl`;
      await using counter = await openCounter("/data", { fs, journal });
      assertEquals(counter.state.value, turn);
      await counter.apply({ by: 1 });
    }
    const other = openCounter("/data", { fs, journal: "other.jsonl" });
    await assertRejects(() => other, TypeError, "holds another state");
  });
}

Deno.test("StateManager refuses a directory that holds another state, whose snapshots it would take for its own", async () => {
  await using directory = new TestDirectory();
  {
    await using first = await openCounter(directory.path);
    await first.apply({ by: 1 });
    await first.compact();
    await first.apply({ by: 2 });
    await first.compact();
  }
  const other = { journal: "other.jsonl" };
  await assertRejects(
    () => openCounter(directory.path, other),
    TypeError,
    "a directory of its own",
  );
  await using again = await openCounter(directory.path);
  assertEquals(again.state.value, 3);
});

Deno.test("StateManager stands beside a log that is no state's", async () => {
  await using directory = new TestDirectory();
  {
    await using log = await MiniStore.open<string>(directory.at("audit.jsonl"));
    await log.append("started");
    await using counter = await openCounter(directory.path);
    await counter.apply({ by: 1 });
  }
  const strangers = ["no journal", '{"mini":2}', "{}"];
  for (const [index, stranger] of strangers.entries()) {
    await Deno.writeTextFile(directory.at(`${index}.jsonl`), stranger);
  }
  await Deno.mkdir(directory.at("folder.jsonl"));
  await using again = await openCounter(directory.path);
  assertEquals(again.state.value, 1);
});

Deno.test("StateManager.open() refuses a log that holds no mutations", async () => {
  for (const record of ["hello", null, { applyBatch: 1 }, { abort: "1" }, {}]) {
    const fs = new MemoryFileSystem();
    const log = await MiniStore.open<unknown>("/data/journal.jsonl", { fs });
    await log.append(record);
    await log.close();
    const error = await errorOf(openCounter("/data", { fs }));
    assertEquals([error.code, error.seq], ["UNSUPPORTED_FORMAT", 1]);
  }
});

Deno.test("StateManager.at() reaches a snapshot also where the log behind it was lost", async () => {
  const fs = new MemoryFileSystem();
  {
    await using counter = await openCounter("/data", { fs });
    for (const seq of [1, 2, 3, 4, 5]) {
      await counter.apply({ by: 1 });
      if (seq === 3 || seq === 5) await counter.createSnapshot();
    }
  }
  fs.unlink("/data/journal.jsonl");
  await using again = await openCounter("/data", { fs });
  assertEquals(again.recovery.logEndedAt, 0);
  assertEquals((await again.at(3)).value, 3);
  assertEquals((await errorOf(again.at(4))).code, "COMPACTED");
});

Deno.test("StateManager lets no mutation in while snapshots of the caller's own take the state", async () => {
  await using directory = new TestDirectory();
  const codec: SnapCodec<{ value: number; log: string[] }> = {
    *encode(state) {
      yield { value: state.value };
      for (const note of state.log) yield note;
      yield { value: state.value };
    },
    async decode(json) {
      const parts = await Array.fromAsync(json as AsyncIterable<unknown>);
      assertEquals(parts.at(0), parts.at(-1));
      const { value } = parts[0] as { value: number };
      return { value, log: parts.slice(1, -1) as string[] };
    },
  };
  const snapshots = new SnapStore(directory.path, { codec });
  {
    await using counter = await openCounter(directory.path, { snapshots });
    const note = "x".repeat(1_000);
    await counter.applyBatch(
      Array.from({ length: 500 }, () => ({ by: 1, note })),
    );
    const created = counter.createSnapshot();
    await Promise.all([created, counter.apply({ by: 1 })]);
  }
  await using again = await openCounter(directory.path, { snapshots });
  assertEquals(again.state.value, 501);
});

Deno.test("StateManager.apply() asks the schema of a log that it was given, which is asked again on replay", async () => {
  const fs = new MemoryFileSystem();
  const schema: Schema<unknown> = {
    "~standard": {
      validate: (value) =>
        JSON.stringify(value).includes("100")
          ? { issues: [{ message: "too much" }] }
          : { value },
    },
  };
  const open = async () => {
    const path = "/data/journal.jsonl";
    const log = await MiniStore.open<unknown>(path, { fs, schema });
    return await openCounter("/data", { fs, log });
  };
  {
    await using counter = await open();
    await counter.apply({ by: 1 });
    const refused = await errorOf(counter.apply({ by: 100 }));
    assertEquals([refused.code, counter.state.value], ["INVALID", 1]);
  }
  await using again = await open();
  assertEquals(again.state.value, 1);
});

Deno.test("StateManager over a log that says nothing of what was applied passes over what throws", async () => {
  const fs = new MemoryFileSystem();
  const log = new MemoryLog();
  const apply = (state: { value: number }, { by }: { by: number }) => {
    state.value += by;
  };
  const newer = await openCounter("/data", { apply, fs, log });
  for (const fail of [false, true, false]) await newer.apply({ by: 1, fail });
  const older = await openCounter("/data", { fs, log });
  assertEquals([older.state.value, older.recovery.undecided], [2, [2]]);
});
