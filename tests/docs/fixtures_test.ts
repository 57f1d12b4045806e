/** Files that each version has written, opened by the code of today. */
import { assert, assertEquals } from "@std/assert";
import { walk } from "@std/fs";
import { type Clock, MiniQueue, QueueView } from "@mini/state/queue";
import { SnapStore } from "@mini/state/snap";
import { StateManager } from "@mini/state/state";
import { MiniStore } from "@mini/state/store";
import type { TestDirectory } from "../support/dir.ts";
import { errorOf } from "../support/journal.ts";
import { NEWEST, TIMES, written } from "../support/written.ts";

/** Marks at the end of a log. An opening that finds one writes a second. */
const MARKS = /(?:.*"close":\d+}\n)+$/;

/** The content of a folder, but for the notes of locks, and marks. */
async function contentOf(directory: TestDirectory): Promise<unknown> {
  const found: [string, string][] = [];
  for await (const { path, isFile } of walk(directory.path)) {
    if (!isFile || path.endsWith(".lock")) continue;
    found.push([path, (await Deno.readTextFile(path)).replace(MARKS, "")]);
  }
  return found.sort();
}

const LOG = [
  { type: "set", key: "a", value: 1 },
  { type: "inc" },
  "naïve – событие",
  null,
  "e",
  "f",
  "g",
  [1, 2.5, -3e-7, true, "\u2028"],
];

function openState(directory: string) {
  return StateManager.open<{ value: number }, { by: number }>(directory, {
    initial: () => ({ value: 0 }),
    apply: (state, { by }) => {
      if (by === 0) throw new Error("by nothing");
      state.value += by;
    },
    version: 2,
  });
}

for (const time of TIMES) {
  const isNewest = time === NEWEST;

  Deno.test(`the log of ${time} opens with every record`, async () => {
    await using directory = await written(time, "log");
    {
      await using store = await MiniStore.open(directory.at());
      // Until two marks were written, one did not say that it was durable.
      const outcome = time === TIMES[0] ? "unclean" : "clean";
      assertEquals(store.recovery.outcome, outcome);
      const records = await Array.fromAsync(store.replay());
      assertEquals(records.map(({ data }) => data), LOG);
      const isTimed = records.every(({ at }) => at !== undefined);
      assertEquals(isTimed, isNewest);
      await store.append("next");
    }
    const all = await Array.fromAsync(MiniStore.replay(directory.at()));
    assertEquals(all.map(({ data }) => data), [...LOG, "next"]);
  });

  Deno.test(`the repaired log of ${time} opens, and what was cut off is as it was`, async () => {
    await using directory = await written(time, "torn");
    const torn = await Deno.readTextFile(directory.at("journal.jsonl.torn"));
    assert(torn.endsWith(',"seq":3,"data":"th'), torn);
    await using store = await MiniStore.open(directory.at());
    const records = await Array.fromAsync(store.replay());
    assertEquals(records.map(({ data }) => data), ["one", "two"]);
  });

  Deno.test(`the state of ${time} opens, from its snapshot and from its log alone`, async () => {
    await using directory = await written(time, "state");
    const snapshot = directory.names().find((name) => /^snap/.test(name))!;
    for (const isThere of [true, false]) {
      await using state = await openState(directory.path);
      assertEquals(state.state, { value: isNewest ? 11 : 12 });
      const { aborted, snapshotSequence } = state.recovery;
      const found = isNewest ? [5] : [];
      const fromLog = isNewest ? [3, 5] : [2];
      assertEquals(
        [aborted, snapshotSequence],
        isThere ? [found, isNewest ? 4 : 3] : [fromLog, 0],
      );
      if (isThere) await Deno.remove(directory.at(snapshot));
    }
  });

  Deno.test(`the state of ${time} that has lost the end of its log opens from its snapshot`, async () => {
    await using directory = await written(time, "aside");
    const before = directory.names();
    await using state = await openState(directory.path);
    assertEquals([state.state, state.sequence], [{ value: 11 }, 2]);
    assertEquals(directory.names(), before);
  });

  Deno.test(`the snapshot in parts of ${time} is restored`, async () => {
    await using directory = await written(time, "parts");
    const snaps = new SnapStore<unknown>(directory.path, {
      codec: {
        encode: () => [],
        decode: (parts) => Array.fromAsync(parts as AsyncIterable<unknown>),
      },
    });
    const found = await snaps.restore();
    assertEquals([found?.seq, found?.state], [9, ["a", "b", "c"]]);
  });

  Deno.test(`the queue of ${time} opens with every message`, async () => {
    await using directory = await written(time, "queue");
    await assertQueue(directory.path, isNewest ? QUEUE : QUEUE_OF_1);
  });
}

/** The content of a queue, each message as its number, its payload and its attempts. */
interface Held {
  readonly waiting: string[];
  readonly dead: string[];
  readonly finished: string[];
  readonly schedules: string[];
}

const QUEUE_OF_1: Held = {
  waiting: [
    '2 "b" after 2: the process ended before it was settled',
    '3 "c" after 0: shutting down',
    '6 "later" after 0',
  ],
  dead: ['5 "e" after 2: wrong'],
  finished: [],
  schedules: [],
};

const QUEUE: Held = {
  waiting: [
    '4 "d" after 1: the process ended before it was settled',
    '10 "posted" after 0',
    '11 "posted and kept" after 0',
    '12 "poll" after 0',
    '7 "dated" after 0',
  ],
  dead: [
    '2 "b" after 2: TypeError: no route: down (delivered 2 times)',
    '9 "changed twice" after 1: wrong',
  ],
  finished: [
    '1 "grouped" after 1: done: {"sent":true}',
    '3 "c" after 1: done',
    '5 "e" after 2: done',
    '6 "later" after 0: cancelled: no longer wanted',
  ],
  schedules: ["poll at 2025-12-31T23:31:00.000Z"],
};

interface Message {
  readonly id: number;
  readonly payload: unknown;
  readonly attempts: number;
  readonly lastFailure?: string;
  readonly reason?: string | undefined;
}

function lineOf({ id, payload, attempts, lastFailure, reason }: Message) {
  const why = lastFailure ?? reason;
  return `${id} ${JSON.stringify(payload)} after ${attempts}` +
    (why === undefined ? "" : `: ${why}`);
}

/** Asserts what a queue holds, read beside its owner, and then opened. */
async function assertQueue(directory: string, held: Held): Promise<void> {
  {
    await using view = await QueueView.open<unknown>(directory);
    const finished = await view.finished();
    assertEquals(
      finished.map((message) => {
        const { state, reason, result } = {
          result: undefined,
          reason: undefined,
          ...message,
        };
        const more = reason ?? (result && JSON.stringify(result));
        return `${lineOf({ ...message, reason: undefined })}: ${
          [state, more].filter(Boolean).join(": ")
        }`;
      }),
      held.finished,
    );
    const schedules = await view.schedules();
    assertEquals(
      schedules.map(({ name, last }) => `${name} at ${last?.toISOString()}`),
      held.schedules,
    );
  }
  const clock: Clock = {
    wall: () => Date.UTC(2026, 0, 2),
    monotonic: () => 0,
    sleep: () => new Promise(() => {}),
  };
  await using queue = await MiniQueue.open(directory, { clock });
  assertEquals((await queue.peek(99)).map(lineOf), held.waiting);
  assertEquals((await queue.deadLetters()).map(lineOf), held.dead);
  assert((await queue.stats()).paused);
}

Deno.test(`the snapshot of a queue of ${NEWEST} has all that its log had`, async () => {
  await using directory = await written(NEWEST, "queue-snapshot");
  await assertQueue(directory.path, QUEUE);
});

/** Files of the time before the first release, whose names were changed since. */
const REFUSED: readonly [time: string, name: string][] = [
  ...TIMES.slice(0, 2).flatMap((time) =>
    ["state-batch", "queue-snapshot"].map((name): [string, string] => [
      time,
      name,
    ])
  ),
  [NEWEST, "backup"],
  [NEWEST, "build"],
];

for (const [time, name] of REFUSED) {
  Deno.test(`the ${name} of ${time} is UNSUPPORTED_FORMAT, and is not touched`, async () => {
    await using directory = await written(time, name);
    const before = await contentOf(directory);
    const opening: Promise<unknown> = name === "queue-snapshot"
      ? MiniQueue.open(directory.path)
      : openState(directory.path);
    assertEquals((await errorOf(opening)).code, "UNSUPPORTED_FORMAT");
    assertEquals(await contentOf(directory), before);
  });
}

Deno.test(`the consumers of ${NEWEST} continue where they were`, async () => {
  await using directory = await written(NEWEST, "log");
  await using store = await MiniStore.open(directory.at());
  const consumers = await store.consumers();
  assertEquals(
    consumers.map(({ name, position, problem }) => [name, position, problem]),
    [["all", 8, undefined], ["middle", 2, undefined], ["none", 0, undefined]],
  );
});

Deno.test(`the inbox of ${NEWEST} is taken in, field for field`, async () => {
  await using directory = await written(NEWEST, "posted");
  await using queue = await MiniQueue.open(directory.path, { inbox: true });
  const messages = await queue.peek();
  assertEquals(messages.map(({ payload }) => payload), ["a", "b", "c"]);
  const { group, priority, headers, delayMs } = messages[1]!;
  assertEquals([group, priority, headers, delayMs > 50_000], [
    "mails",
    1,
    { traceparent: "00-1" },
    true,
  ]);
  const again = await queue.enqueue("d", { dedupeKey: "17" });
  assertEquals(again, { id: 2, deduplicated: true });
  assertEquals(directory.names().includes("inbox"), true);
});

Deno.test(`the journal of the Rust crate that was continued in ${NEWEST} opens`, async () => {
  await using directory = await written(NEWEST, "rust");
  await using store = await MiniStore.open(directory.at());
  const records = await Array.fromAsync(store.replay());
  assertEquals([records.length, records.at(-1)?.data], [13, {
    Inc: { delta: 5 },
  }]);
});

Deno.test(`the log that was repaired in ${NEWEST} opens, and what it was is kept`, async () => {
  await using directory = await written(NEWEST, "damaged");
  await using store = await MiniStore.open(directory.at());
  const records = await Array.fromAsync(store.replay());
  assertEquals(records.map(({ data }) => data), ["one"]);
  for (const name of ["journal.00000000000000000000", "journal"]) {
    const kept = await Deno.readTextFile(directory.at(`${name}.jsonl.damaged`));
    assert(kept.startsWith('{"crc":"'), kept);
  }
});
