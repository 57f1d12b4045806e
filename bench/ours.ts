import { MiniQueue } from "@mini/state/queue";
import { StateManager } from "@mini/state/state";
import { MiniStore } from "@mini/state/store";
import type { Contender, Log, Queue } from "./contender.ts";
import { type Item, record } from "./record.ts";

/** The log by itself. */
export const STORE: Contender<Log> = {
  name: "ours",
  setting: "as it is",
  isDurable: true,
  async open(dir) {
    const store = await MiniStore.open<unknown>(`${dir}/journal.jsonl`);
    return {
      append: (_number, value) => store.append(value),
      appendAll: (_first, values) => store.appendBatch(values),
      fill: (_first, values) =>
        Promise.all(values.map((value) => store.append(value))),
      async readAll(take) {
        for await (const { data } of store.replay()) take(data);
      },
      close: () => store.close(),
    };
  },
};

/** The log by itself, for one caller who waits for it before anything else. */
export const SYNC: Contender<Log> = {
  ...STORE,
  name: "ours, appendSync",
  async open(dir) {
    const store = await MiniStore.open<unknown>(`${dir}/journal.jsonl`);
    const appendAll = (_first: number, values: readonly unknown[]) => {
      for (const value of values) store.appendSync(value);
    };
    return {
      append: (_number, value) => store.appendSync(value),
      appendAll,
      fill: appendAll,
      readAll: () => {},
      close: () => store.close(),
    };
  },
};

type Components = Record<string, unknown>;

function openState(
  dir: string,
  snapshotEvery: "auto" | "never" = "auto",
): Promise<StateManager<Components, Item>> {
  return StateManager.open<Components, Item>(dir, {
    snapshotEvery,
    initial: () => ({}),
    apply: (components, { key, value }) => {
      components[key] = value;
    },
  });
}

/** A state, which is read when it is opened. */
export const STATE: Contender<Log> = stateAs("ours, a state", "auto");

/** A state that has no snapshot: all of its log is read. */
export const WHOLE: Contender<Log> = stateAs(
  "ours, a state without snapshots",
  "never",
);

function stateAs(
  name: string,
  snapshotEvery: "auto" | "never",
): Contender<Log> {
  const setting = `snapshotEvery: ${snapshotEvery}`;
  const open = async (dir: string): Promise<Log> => {
    const manager = await openState(dir, snapshotEvery);
    const fill = (items: readonly unknown[]) =>
      Promise.all(items.map((item) => manager.apply(item as Item)));
    return {
      append: (_number, value) => manager.apply(value as Item),
      appendAll: (_first, values) => manager.applyBatch(values as Item[]),
      fill: (_first, values) => fill(values),
      readAll: () => {},
      close: () => manager.close(),
    };
  };
  return { name, setting, isDurable: true, open };
}

const TAIL = 1_000;

/** A state that was compacted, with some records after the snapshot. */
export const SNAPSHOT: Contender<Log> = {
  name: "ours, from a snapshot",
  setting: `and ${TAIL} records after it`,
  isDurable: true,
  async open(dir) {
    const manager = await openState(dir);
    let isFilled = false;
    return {
      append: (_number, value) => manager.apply(value as Item),
      appendAll: (_first, values) => manager.applyBatch(values as Item[]),
      fill(_first, values) {
        isFilled = true;
        return Promise.all(values.map((item) => manager.apply(item as Item)));
      },
      readAll: () => {},
      async close() {
        if (isFilled) {
          await manager.compact();
          const tail = Array.from(
            { length: TAIL },
            (_, index) => record(index),
          );
          await Promise.all(tail.map((item) => manager.apply(item)));
        }
        await manager.close();
      },
    };
  },
};

/** The queue. */
export const QUEUE: Contender<Queue> = {
  name: "ours",
  setting: "as it is",
  isDurable: true,
  async open(dir) {
    const queue = await MiniQueue.open<unknown>(dir);
    return {
      enqueue: (payload) => queue.enqueue(payload),
      async fill(values) {
        for (let at = 0; at < values.length; at += 1_000) {
          const some = values.slice(at, at + 1_000);
          await queue.enqueueBatch(some.map((payload) => ({ payload })));
        }
      },
      async drain(consumers, isEnough) {
        await Promise.all(Array.from({ length: consumers }, async () => {
          do await (await queue.receive())!.ack(); while (!isEnough());
        }));
      },
      listen(take) {
        void queue.work(({ payload }) => Promise.resolve(take(payload)));
      },
      serve(consumers, done) {
        for (let consumer = 0; consumer < consumers; consumer++) {
          void (async () => {
            for (;;) {
              const message = await queue.receive({ waitMs: 60_000 });
              if (message === undefined) continue;
              await message.ack();
              done(message.payload);
            }
          })();
        }
      },
      close: () => queue.close(),
    };
  },
};
