// A queue says that older code does not know it, from the first part of which that is true, and for good.
import { MiniQueue, type QueueOptions } from "@mini/state/queue";
import type { MemoryFileSystem } from "@mini/state/testing";
import { assertEquals } from "@std/assert";
import { drain, TestQueue } from "../support/queue.ts";

const DECODER = new TextDecoder();

/** The versions that the files of a queue name, each once: those of its entries, and of its snapshots. */
function versionsIn(fs: MemoryFileSystem): { log: number[]; snaps: number[] } {
  const found = (isOne: (name: string) => boolean) => {
    const versions = fs.names("/data").filter(isOne).flatMap((name) => {
      const text = DECODER.decode(fs.content(`/data/${name}`));
      return [...text.matchAll(/"v":(\d+)/g)].map(([, v]) => Number(v));
    });
    return [...new Set(versions)];
  };
  return {
    log: found((name) => name.endsWith(".jsonl")),
    snaps: found((name) => name.endsWith(".json")),
  };
}

interface Use {
  readonly options?: QueueOptions<string>;
  readonly use: (
    queue: MiniQueue<string>,
    test: TestQueue<string>,
  ) => Promise<unknown>;
}

/** Enqueues messages, and lets them die. */
async function kill(queue: MiniQueue<string>, ...payloads: string[]) {
  await queue.enqueueBatch(payloads.map((payload) => ({ payload })));
  for (const message of await queue.receiveBatch(payloads.length)) {
    await message.deadLetter("no");
  }
}

const OLD: Readonly<Record<string, Use>> = {
  "all that the first version knows": {
    async use(queue) {
      const group = { group: "g", dedupeKey: "k", priority: 1 };
      await queue.enqueue("a", { ...group, delayMs: 5 });
      await kill(queue, "b", "c");
      await queue.redrive(2);
      await queue.redrive("all");
      await queue.pause();
      await queue.resume();
      await (await queue.receive())!.nack({ reason: "later" });
      await drain(queue);
      await kill(queue, "d");
      await queue.purge("dead");
    },
  },
  "one dead letter, redriven at a rate": {
    async use(queue) {
      await kill(queue, "a");
      await queue.redrive("all", { perSecond: 1 });
    },
  },
};

const NEW: Readonly<Record<string, Use>> = {
  "a limit of finished messages": {
    options: { keepFinished: { count: 1 } },
    use: (queue) => queue.enqueue("a"),
  },
  "a limit of dead letters": {
    options: { keepDead: { count: 1 } },
    use: (queue) => queue.enqueue("a"),
  },
  "a message that was cancelled": {
    async use(queue) {
      await queue.enqueue("a");
      await queue.cancel(1);
    },
  },
  "a message that was changed": {
    async use(queue) {
      await queue.enqueue("a");
      await queue.update(1, { priority: 1 });
    },
  },
  "durable progress": {
    async use(queue) {
      await queue.enqueue("a");
      const handle: Parameters<typeof queue.work>[0] = (_, { progress }) =>
        progress(1, { durable: true });
      await queue.work(handle, { until: "empty" });
    },
  },
  "a date": {
    use: (queue) => queue.enqueue("a", { at: new Date(1) }),
  },
  "headers, also beside a message without": {
    use: (queue) =>
      Promise.all([
        queue.enqueue("a"),
        queue.enqueue("b", { headers: { a: "b" } }),
      ]),
  },
  "a result": {
    options: { keepFinished: { count: 1 } },
    async use(queue) {
      await queue.enqueue("a");
      await (await queue.receive())!.ack("done");
    },
  },
  "what a handler has thrown": {
    options: { maxAttempts: 1 },
    async use(queue) {
      await queue.enqueue("a");
      await queue.work(() => {
        throw new Error("no");
      }, { until: "empty" });
    },
  },
  "a dead letter that is redriven later": {
    async use(queue) {
      await kill(queue, "a", "b");
      await queue.redrive("all", { perSecond: 1 });
    },
  },
  "a schedule": {
    options: { schedules: { s: { everyMs: 1_000, payload: "s" } } },
    use: (queue) => queue.receive(),
  },
  "a schedule that has fired": {
    options: { schedules: { s: { everyMs: 1_000, payload: "s" } } },
    async use(queue, { clock }) {
      clock.advance(1_500);
      await drain(queue);
    },
  },
  "a file of the inbox": {
    options: { inbox: true },
    async use(queue, { fs }) {
      await MiniQueue.post("/data", "a", { fs });
      await drain(queue);
    },
  },
};

for (const [isNew, uses] of [[false, OLD], [true, NEW]] as const) {
  const versions = isNew ? [2] : [];
  for (const [what, { options, use }] of Object.entries(uses)) {
    Deno.test(`a queue with ${what} names ${isNew ? "version 2 in its log and, for good, in its snapshots" : "no version"}`, async () => {
      const test = new TestQueue<string>(options);
      let queue = await test.open();
      await use(queue, test);
      assertEquals(versionsIn(test.fs), { log: versions, snaps: [] });
      await queue.compact();
      assertEquals(versionsIn(test.fs).snaps, versions);
      // Nothing is left of it but the version.
      await queue.purge("all");
      for (let time = 0; time < 2; time++) {
        queue = await test.reopenClosed(queue, options);
        await queue.compact();
      }
      await queue.close();
      assertEquals(versionsIn(test.fs), { log: [], snaps: versions });
    });
  }
}
