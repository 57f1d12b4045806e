// What was opened is closed by the time that the caller hears of it.
import { assertEquals } from "@std/assert";
import { type Consumer, type FileSystem, MiniStore } from "@mini/state/store";
import { MemoryFileSystem } from "@mini/state/testing";
import { JournalBytes } from "../support/journal.ts";
import { countedSignal, LateClosing } from "../support/late_closing.ts";

const PATH = "/data/journal.jsonl";
const RUST = "/rust/journal.jsonl";
const RUST_HEADER = "// MINISTORE JOURNAL v0.1.3\n";

const JOURNAL = "/other/journal.jsonl";
const journal = (count: number) => new JournalBytes().records(1, count);
const OTHER = new JournalBytes({ journal: "f".repeat(32) }).records(1, 2);

/** The means of a task. */
interface Given {
  readonly fs: FileSystem;
  readonly memory: MemoryFileSystem;
  readonly signal: AbortSignal;
  /** The paths of what is open. */
  open(): string[];
}

/** A task with the log at /data, whose calls may fail. */
type Task = (given: Given) => Promise<unknown>;

const first = async (records: AsyncIterable<unknown>) => {
  for await (const _ of records) break;
};

const writing = (
  path: string,
  write: (store: MiniStore<number>, given: Given) => unknown,
): Task =>
async (given) => {
  await using store = await MiniStore.open<number>(path, { fs: given.fs });
  await write(store, given);
};

/** Follows and resets a consumer. */
async function consume(
  consumer: Consumer<number>,
  { signal, open }: Given,
): Promise<void> {
  await using _ = consumer;
  await first(consumer.follow({ signal }));
  await consumer.reset(2);
  // The writer of the log has it open, or else the consumer.
  assertEquals(open().filter((path) => !path.endsWith(".lock")), [PATH]);
}

const TASKS: readonly (readonly [name: string, task: Task])[] = [
  ["open", writing(PATH, () => {})],
  ["create", writing("/new/journal.jsonl", (store) => store.append(1))],
  ["rotate", writing(PATH, (store) => store.rotate())],
  ["resetTo", writing(PATH, (store) => store.resetTo(9))],
  [
    "replay of a store",
    writing(PATH, (store, { signal }) => first(store.replay({ signal }))),
  ],
  [
    "consumer of a store",
    writing(
      PATH,
      async (store, given) => consume(await store.consumer("b"), given),
    ),
  ],
  [
    "removeConsumer",
    writing(PATH, async (store, { open }) => {
      const before = open();
      await store.removeConsumer("b");
      assertEquals(open(), before);
    }),
  ],
  [
    "replay",
    ({ fs, signal }) => Array.fromAsync(MiniStore.replay(PATH, { fs, signal })),
  ],
  [
    "the first record of replay",
    ({ fs, signal }) => first(MiniStore.replay(PATH, { fs, signal })),
  ],
  [
    "replay since a time",
    ({ fs }) => first(MiniStore.replay(PATH, { fs, since: new Date() })),
  ],
  [
    "follow",
    ({ fs, signal }) => first(MiniStore.follow(PATH, { fs, signal })),
  ],
  ["follow across segments", async ({ fs, open }) => {
    const records = MiniStore.follow(PATH, { fs })[Symbol.asyncIterator]();
    await records.next();
    await records.next();
    assertEquals(open(), [PATH]);
    await records.return?.();
  }],
  [
    "follow with durableOnly",
    ({ fs }) => first(MiniStore.follow(PATH, { fs, durableOnly: true })),
  ],
  ["openReader", async ({ fs }) => {
    await using reader = await MiniStore.openReader(PATH, { fs });
    await reader.seqAt!(new Date());
    // The log that it knows makes way for another.
    await fs.rename(RUST, PATH);
    await reader.refresh!().catch(() => {});
  }],
  ["follow where the log was written again", async (given) => {
    const { fs, memory, open } = given;
    for (const bytes of [journal(1).bytes, journal(3).bytes, OTHER.bytes]) {
      memory.put(JOURNAL, journal(2).bytes);
      const records = MiniStore.follow(JOURNAL, { fs })[Symbol.asyncIterator]();
      await records.next();
      await records.next();
      memory.put(JOURNAL, bytes);
      await records.next().catch(() => {});
      await records.return?.();
      assertEquals(open(), []);
    }
  }],
  ["open and replay of a log that is torn, or damaged", async (given) => {
    const { fs, memory, open } = given;
    const { bytes } = journal(3);
    const wrong = bytes.slice();
    wrong[bytes.length - 100]! ^= 1;
    for (const damaged of [bytes.slice(0, -5), wrong]) {
      memory.put(JOURNAL, damaged);
      await Array.fromAsync(MiniStore.replay(JOURNAL, { fs })).catch(() => {});
      assertEquals(open(), []);
      await MiniStore.open(JOURNAL, { fs }).then(
        (store) => store.close(),
        () => {},
      );
      assertEquals(open(), []);
    }
  }],
  ["consumer", async (given) => {
    const { fs } = given;
    await consume(await MiniStore.consumer<number>(PATH, "a", { fs }), given);
  }],
  ["open of a journal of the Rust program", writing(RUST, () => {})],
  [
    "replay of one",
    ({ fs }) => Array.fromAsync(MiniStore.replay(RUST, { fs })),
  ],
];

/** A log of two segments with two consumers, and a journal of the Rust program. */
async function prepared(): Promise<MemoryFileSystem> {
  const fs = new MemoryFileSystem();
  {
    await using store = await MiniStore.open(PATH, { fs, timestamps: true });
    await store.append(1);
    await store.rotate();
    await store.append(2);
    for (const name of ["b", "c"]) await (await store.consumer(name)).close();
  }
  fs.put(RUST, new TextEncoder().encode(`${RUST_HEADER}1\n`));
  return fs;
}

for (const [name, task] of TASKS) {
  Deno.test(`everything is closed after ${name}, and after each call of it that fails`, async () => {
    const snapshot = (await prepared()).snapshot();
    let calls = 0;
    for (let failAt = Infinity; failAt > 0; failAt--) {
      const fs = new MemoryFileSystem(snapshot);
      const late = new LateClosing(fs);
      const { signal, count } = countedSignal();
      calls = 0;
      fs.hooks.before = () => ++calls === failAt ? { code: "EIO" } : undefined;
      const open = () => late.open;
      const failed = await task({ fs: late.fs, memory: fs, signal, open })
        .then(() => undefined, (error) => error);
      const said = `call ${failAt} failed: ${failed}`;
      assertEquals([late.open, count()], [[], 0], said);
      if (failAt < Infinity) continue;
      assertEquals(failed, undefined);
      failAt = calls + 1;
    }
  });
}
