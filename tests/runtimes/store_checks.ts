import { stat } from "node:fs/promises";
import { join } from "node:path";
import process from "node:process";
import { pathToFileURL } from "node:url";
import type { Library } from "./library.ts";
import { collect, equal, ok, refused, type Suite } from "./suite.ts";

const journal = (dir: string) => join(dir, "journal.jsonl");
const data = <T>(records: { readonly data: T }[]) =>
  records.map((record) => record.data);

/** A log does what it promises. */
export async function checkStore(
  suite: Suite,
  library: Library,
): Promise<void> {
  await checkRules(suite, library);
  await checkAppending(suite, library);
  await checkShapes(suite, library);
  await checkReading(suite, library);
  await checkSegments(suite, library);
  await checkTimes(suite, library);
  await checkRefusals(suite, library);
}

async function checkRules(
  suite: Suite,
  { store: { MiniStore }, testing: { logSuite } }: Library,
): Promise<void> {
  let directory = "";
  let opened = 0;
  const make = () => {
    const path = join(directory, `${++opened}.jsonl`);
    return { open: () => MiniStore.open<unknown>(path) };
  };
  for (const { name, run } of logSuite(make)) {
    await suite.check(`store: ${name}`, async (dir) => {
      directory = dir;
      // What a fixture cannot do here is tested in memory.
      await run();
    });
  }
}

async function checkAppending(
  suite: Suite,
  { store: { MiniStore } }: Library,
): Promise<void> {
  await suite.check("store: append, close, open, replay", async (dir) => {
    const first = await MiniStore.open<{ set: number }>(journal(dir));
    equal(first.recovery.outcome, "created");
    equal(await first.append({ set: 1 }), 1);
    equal(await first.append({ set: 2 }), 2);
    await first.close();
    const second = await MiniStore.open<{ set: number }>(journal(dir));
    equal([second.recovery.outcome, second.sequence], ["clean", 2]);
    equal(await collect(second.replay()), [
      { seq: 1, data: { set: 1 } },
      { seq: 2, data: { set: 2 } },
    ]);
    await second.close();
  });
  await suite.check(
    "store: concurrent appends keep their order",
    async (dir) => {
      const store = await MiniStore.open<number>(journal(dir));
      const values = Array.from({ length: 256 }, (_, index) => index + 1);
      equal(await Promise.all(values.map((v) => store.append(v))), values);
      equal(data(await collect(store.replay())), values);
      await store.close();
    },
  );
  await suite.check("store: a batch is one unit", async (dir) => {
    const store = await MiniStore.open<string>(journal(dir));
    equal(await store.appendBatch(["a", "b", "c"]), 3);
    equal(await store.appendBatch([]), 3);
    await store.close();
    equal(data(await collect(MiniStore.replay(journal(dir)))), ["a", "b", "c"]);
  });
  await suite.check(
    "store: what nobody waits for is durable after sync",
    async (dir) => {
      const store = await MiniStore.open<number>(journal(dir));
      await store.append(1, { durable: false });
      await store.append(2, { durable: false });
      await store.sync();
      equal(data(await collect(MiniStore.replay(journal(dir)))), [1, 2]);
      await store.close();
    },
  );
}

async function checkShapes(
  suite: Suite,
  { store: { MiniStore } }: Library,
): Promise<void> {
  await suite.check("store: records of every size and script", async (dir) => {
    const records = ["", "ü 漢 😀 \u2028 \0", "x".repeat(3_000_000), null, [
      [],
    ]];
    const store = await MiniStore.open<unknown>(journal(dir));
    for (const record of records) await store.append(record);
    equal(data(await collect(store.replay())), records);
    await store.close();
    const again = await MiniStore.open<unknown>(journal(dir));
    equal(data(await collect(again.replay())), records);
    await again.close();
  });
  await suite.check(
    "store: a path may be a URL, in folders that are missing",
    async (dir) => {
      const path = join(dir, "a", "b c", "journal.jsonl");
      const store = await MiniStore.open<number>(pathToFileURL(path));
      equal([await store.append(1), store.path], [1, path]);
      await store.close();
    },
  );
  if (process.platform === "win32") return;
  await suite.check("store: only the owner may look", async (dir) => {
    const path = journal(join(dir, "new"));
    const store = await MiniStore.open<number>(path);
    equal((await stat(path)).mode & 0o777, 0o600);
    equal((await stat(join(dir, "new"))).mode & 0o777, 0o700);
    await store.close();
  });
}

async function checkReading(
  suite: Suite,
  { store: { MiniStore } }: Library,
): Promise<void> {
  await suite.check("store: replay from and to", async (dir) => {
    const store = await MiniStore.open<number>(journal(dir));
    await store.appendBatch([1, 2, 3, 4, 5]);
    equal(data(await collect(store.replay({ from: 2, to: 4 }))), [2, 3, 4]);
    await store.close();
  });
  await suite.check("store: a follower works beside writers", async (dir) => {
    const seen: number[] = [];
    const options = { ifMissing: "empty" } as const;
    const following = (async () => {
      const records = MiniStore.follow<number>(journal(dir), options);
      for await (const record of records) {
        seen.push(record.data);
        if (record.data === 4) break;
      }
    })();
    const store = await MiniStore.open<number>(journal(dir));
    await store.append(1);
    await store.rotate();
    await store.append(2);
    await store.close();
    const again = await MiniStore.open<number>(journal(dir));
    const reader = await MiniStore.openReader<number>(journal(dir));
    for (const value of [3, 4]) await again.append(value);
    await following;
    equal(seen, [1, 2, 3, 4]);
    await reader.refresh?.();
    const { id, sequence, durableSequence } = reader;
    equal([id, sequence, durableSequence], [again.id, 4, 3]);
    await reader.close();
    await again.close();
  });
  await suite.check("store: a reader works beside a writer", async (dir) => {
    await refused("NOT_FOUND", () => collect(MiniStore.replay(journal(dir))));
    const none = MiniStore.replay(journal(dir), { ifMissing: "empty" });
    equal(await collect(none), []);
    const store = await MiniStore.open<number>(journal(dir));
    await store.append(1);
    equal(data(await collect(MiniStore.replay(journal(dir)))), [1]);
    await store.append(2);
    equal(data(await collect(MiniStore.replay(journal(dir)))), [1, 2]);
    await store.close();
  });
  await suite.check(
    "store: follow gives history, then live, to the end",
    async (dir) => {
      const store = await MiniStore.open<number>(journal(dir));
      await store.appendBatch([1, 2]);
      const seen = collect(store.follow());
      await store.append(3);
      await store.rotate();
      await store.append(4);
      await store.close();
      equal(data(await seen), [1, 2, 3, 4]);
    },
  );
}

async function checkSegments(
  suite: Suite,
  { store: { MiniStore } }: Library,
): Promise<void> {
  await suite.check("store: rotate and compact", async (dir) => {
    const store = await MiniStore.open<number>(journal(dir));
    for (const value of [1, 2, 3]) {
      await store.append(value);
      await store.rotate();
    }
    equal((await store.compact(2)).removed.length, 2);
    equal(store.firstSequence, 3);
    await refused("COMPACTED", () => collect(store.replay({ from: 1 })));
    await store.close();
    const again = await MiniStore.open<number>(journal(dir));
    equal([again.firstSequence, again.sequence], [3, 3]);
    equal(data(await collect(again.replay())), [3]);
    await again.close();
  });
  await suite.check("store: segments are started by size", async (dir) => {
    const options = { maxSegmentBytes: 1_000 };
    const store = await MiniStore.open<string>(journal(dir), options);
    for (let n = 0; n < 50; n++) await store.append("x".repeat(100));
    await store.close();
    const again = await MiniStore.open<string>(journal(dir), options);
    ok(again.recovery.segments > 5, "there are several segments");
    equal((await collect(again.replay())).length, 50);
    await again.close();
  });
}

async function checkTimes(
  suite: Suite,
  { store: { MiniStore } }: Library,
): Promise<void> {
  await suite.check(
    "store: records have times, and the oldest go",
    async (dir) => {
      const store = await MiniStore.open<string>(journal(dir), {
        timestamps: true,
        maxSegmentBytes: 1_000,
        keep: { bytes: 3_000 },
      });
      const before = new Date();
      for (let n = 0; n < 100; n++) await store.append("x".repeat(100));
      await store.close();
      ok(store.firstSequence > 50, "old segments are gone");
      equal(store.keepFailure, undefined);
      const reader = await MiniStore.openReader<string>(journal(dir));
      const since = await collect(reader.replay({ since: before }));
      equal(since.length, 100 - store.firstSequence + 1);
      ok(since.every(({ at }) => at! >= before), "each has a time");
      equal(await reader.seqAt!(new Date(before.getTime() - 60_000)), 0);
      await reader.close();
    },
  );
}

async function checkRefusals(
  suite: Suite,
  { store: { MiniStore } }: Library,
): Promise<void> {
  await suite.check("store: a second handle is LOCKED out", async (dir) => {
    const store = await MiniStore.open<number>(journal(dir));
    const error = await refused("LOCKED", () => MiniStore.open(journal(dir)));
    ok(error.message.includes("this process"), "it says who has it");
    await store.close();
    await (await MiniStore.open(journal(dir))).close();
  });
  await suite.check("store: CLOSED after close", async (dir) => {
    const store = await MiniStore.open<number>(journal(dir));
    await store.close();
    await store.close();
    await refused("CLOSED", () => store.append(1));
    await refused("CLOSED", () => store.appendBatch([1, 2]));
    await refused("CLOSED", () => collect(store.replay()));
  });
  await suite.check(
    "store: what JSON would lose is UNSERIALIZABLE",
    async (dir) => {
      const store = await MiniStore.open<unknown>(journal(dir));
      const error = await refused(
        "UNSERIALIZABLE",
        () => store.append({ a: [new Map()] }),
      );
      ok(error.message.includes("$.a[0]"), "it says where");
      equal(await store.append("good"), 1);
      await store.close();
    },
  );
  await suite.check("store: TOO_LARGE and INVALID", async (dir) => {
    const schema = {
      "~standard": {
        version: 1 as const,
        vendor: "test",
        validate: (value: unknown) =>
          typeof value === "string"
            ? { value }
            : { issues: [{ message: "a string, please" }] },
      },
    };
    const store = await MiniStore.open<string>(journal(dir), {
      schema,
      maxRecordBytes: 1_000,
    });
    await refused("TOO_LARGE", () => store.append("x".repeat(1_000)));
    await refused("INVALID", () => store.append(5 as never));
    equal(await store.append("x"), 1);
    await store.close();
  });
}
