import { assert, assertEquals, assertRejects } from "@std/assert";
import { SnapStore } from "@mini/state/snap";
import { StateView } from "@mini/state/state";
import { MiniStore } from "@mini/state/store";
import { MemoryFileSystem } from "@mini/state/testing";
import { COUNTER, type Counter, openCounter } from "../support/counter.ts";
import { runScript } from "../support/child.ts";
import { TestDirectory } from "../support/dir.ts";
import { HoldingFileSystem } from "../support/held.ts";
import { errorOf } from "../support/journal.ts";
import { eventually, openView } from "../support/view.ts";

const JOURNAL = "/data/journal.jsonl";

Deno.test("StateView shows what a writer has applied, soon after", async () => {
  const fs = new MemoryFileSystem();
  await using counter = await openCounter("/data", { fs });
  await counter.apply({ by: 1 });
  await using view = await openView(fs);
  assertEquals([view.state.value, view.sequence, view.lag], [1, 1, 0]);
  assertEquals(view.journalPath, JOURNAL);
  const { changed } = view;
  await counter.apply({ by: 2, note: "a" });
  await changed;
  await view.until(2, { timeoutMs: 60_000 });
  assertEquals(view.state, { value: 3, log: ["a"] });
  await counter.applyBatch([{ by: 4 }, { by: 8 }]);
  await view.until(3);
  assertEquals(view.state.value, 15);
  assertEquals([view.sequence, view.lag, view.resets], [3, 0, 0]);
  assertEquals([view.failure, view.isClosed], [undefined, false]);
});

Deno.test("StateView takes a newer snapshot where compaction removes the records after the one that it has read", async () => {
  const fs = new MemoryFileSystem();
  const options = { fs, keepSnapshots: 1 };
  await using counter = await openCounter("/data", options);
  await counter.apply({ by: 1 });
  await counter.createSnapshot();
  await counter.apply({ by: 2 });
  await using log = await MiniStore.openReader<unknown>(JOURNAL, { fs });
  const read = { fs, readOnly: true };
  const snapshots = new SnapStore<Counter>("/data", read);
  let isCompacted = false;
  await using view = await StateView.open({
    log,
    snapshots: {
      list: () => snapshots.list(),
      async restore(upTo) {
        const found = await snapshots.restore(upTo);
        if (!isCompacted) await counter.compact();
        isCompacted = true;
        return found;
      },
    },
  }, COUNTER);
  assertEquals([view.state.value, view.sequence], [3, 2]);
  assertEquals(log.firstSequence, 3);
});

Deno.test("StateView writes nothing, and takes no lock", async () => {
  const fs = new MemoryFileSystem();
  await using counter = await openCounter("/data", { fs, keepSnapshots: 1 });
  await counter.apply({ by: 1 });
  const { path } = await counter.createSnapshot();
  // One that is damaged stays where it is.
  fs.put(path!.replace(/1\.json$/, "2.json"), new TextEncoder().encode("{"));
  const writes: string[] = [];
  await using view = await openView(
    new Proxy(fs, {
      get(target, name) {
        const member = Reflect.get(target, name, target);
        if (typeof member !== "function") return member;
        return (...args: unknown[]) => {
          if (!/^(open|stat|list|watch)$/.test(String(name))) {
            writes.push(String(name));
          }
          return member.apply(target, args);
        };
      },
    }),
  );
  await counter.apply({ by: 2 });
  await view.until(2);
  assertEquals(writes, []);
});

Deno.test("StateView starts from the newest snapshot, and follows through rotation and compaction", async () => {
  const fs = new MemoryFileSystem();
  const options = {
    fs,
    maxSegmentBytes: 200,
    keepSnapshots: 1,
    snapshotEvery: 3,
    retain: { records: 0 },
  };
  await using counter = await openCounter("/data", options);
  for (let count = 0; count < 7; count++) await counter.apply({ by: 1 });
  let applied = 0;
  await using view = await openView(fs, {
    apply: (state, add) => {
      applied++;
      return COUNTER.apply(state, add);
    },
  });
  assertEquals([view.state.value, view.sequence], [7, 7]);
  assert(applied < 7, `${applied} mutations were applied`);
  for (let count = 0; count < 20; count++) {
    await view.until(await counter.apply({ by: 1 }));
    assertEquals(view.state.value, view.sequence);
  }
  const more = Array.from({ length: 100 }, () => counter.apply({ by: 1 }));
  await view.until(Math.max(...await Promise.all(more)));
  assertEquals(view.state.value, 127);
  assertEquals([view.resets, view.failure], [0, undefined]);
});

Deno.test("StateView tells what is durable, and how far it is late", async () => {
  const fs = new MemoryFileSystem();
  const log = await MiniStore.open<unknown>(JOURNAL, { fs });
  await log.append({ apply: { by: 1 } });
  await using view = await openView(fs);
  assertEquals([view.sequence, view.durableSequence], [1, 0]);
  await log.append({ apply: { by: 2 } });
  await view.until(2);
  assertEquals(view.durableSequence, 1);
  await log.close();
  await eventually(() => view.durableSequence === 2);
});

Deno.test("StateView starts over where compaction has removed what it has not read, and counts that", async () => {
  const fs = new MemoryFileSystem();
  const options = { fs, keepSnapshots: 1, maxSegmentBytes: 1 };
  await using counter = await openCounter("/data", options);
  await counter.apply({ by: 1 });
  const holding = new HoldingFileSystem(fs);
  await using view = await openView(holding.fs);
  const held = holding.hold("stat");
  await counter.apply({ by: 2 });
  await held.reached;
  for (const by of [4, 8]) await counter.apply({ by });
  await counter.compact();
  held.release();
  await view.until(4);
  assertEquals([view.state.value, view.resets], [15, 1]);
});

Deno.test("StateView starts over where a crash has taken back what it has shown, and never shows what no log had", async () => {
  const fs = new MemoryFileSystem();
  const killed = await openCounter("/data", { fs });
  await killed.apply({ by: 1 });
  const before = fs.content(JOURNAL)!.slice();
  await using view = await openView(fs);
  await killed.apply({ by: 2 }, { durable: false });
  await killed.apply({ by: 4 }, { durable: false });
  await view.until(3);
  assertEquals([view.state.value, view.durableSequence], [7, 1]);
  fs.restart();
  fs.put(JOURNAL, before);
  await using counter = await openCounter("/data", { fs });
  await counter.apply({ by: 8 });
  await eventually(() => view.resets > 0);
  await view.until(2);
  assertEquals([view.state.value, view.sequence], [9, 2]);
  // It waits on for what was taken back.
  const third = view.until(3);
  await counter.apply({ by: 16 });
  await third;
  assertEquals([view.state.value, view.resets], [25, 1]);
});

Deno.test("StateView.open() throws where there is no state, or that of something else", async () => {
  const fs = new MemoryFileSystem();
  assertEquals((await errorOf(openView(fs))).code, "NOT_FOUND");
  {
    await using counter = await openCounter("/data", { fs });
    await counter.apply({ by: 1 });
  }
  await assertRejects(
    () => openView(fs, { kind: "queue" }),
    TypeError,
    "it holds a state",
  );
  await assertRejects(
    () => openView(fs, { journal: "other.jsonl" }),
    TypeError,
    "holds another state",
  );
  const bytes = fs.content(JOURNAL)!.slice();
  bytes[bytes.indexOf(0x0a) + 30]! ^= 1;
  fs.put(JOURNAL, bytes);
  assertEquals((await errorOf(openView(fs))).code, "CORRUPT");
});

Deno.test("StateView.open() waits for a state that is still to come, if that may be missing", async () => {
  const fs = new MemoryFileSystem();
  const options = { ifMissing: "empty" } as const;
  await using view = await openView(fs, options);
  await using other = await openView(fs, { ...options, kind: "queue" });
  const { sequence, lag, durableSequence } = view;
  assertEquals([view.state.value, sequence, lag, durableSequence], [
    0,
    0,
    0,
    0,
  ]);
  await using counter = await openCounter("/data", { fs });
  await view.until(await counter.apply({ by: 1 }));
  assertEquals(view.state.value, 1);
  await assertRejects(() => other.until(1), TypeError, "it holds a state");
});

Deno.test("StateView works with --allow-read=DIR and nothing else", async () => {
  await using directory = new TestDirectory();
  await using counter = await openCounter(directory.path);
  await counter.apply({ by: 1 });
  await counter.createSnapshot();
  await counter.apply({ by: 2 });
  const script = `
    import { StateView } from "@mini/state/state";
    const view = await StateView.open(Deno.args[0], {
      initial: () => ({ value: 0, log: [] }),
      apply: (state, { by }) => void (state.value += by),
    });
    console.log(view.state.value);
    await view.close();
  `;
  const flags = [`--allow-read=${directory.path}`];
  const child = await runScript(script, [directory.path], flags);
  assertEquals([child.stdout, child.stderr], ["3", ""]);
});
