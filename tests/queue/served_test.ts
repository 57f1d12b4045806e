// Consumers who are served together, while something happens.
import { assertEquals } from "@std/assert";
import type { MiniQueue, QueueOptions } from "@mini/state/queue";
import type { StandardSchemaV1 } from "@standard-schema/spec";
import { TestQueue } from "../support/queue.ts";

const FOREVER = { waitMs: Infinity };

/** Two who wait while "bad", which the schema refuses, and "good" are there to be received. */
class TwoServed {
  readonly test: TestQueue<string>;
  readonly refused = Promise.withResolvers<void>();

  constructor(options: QueueOptions<string> = {}) {
    this.test = new TestQueue(options);
  }

  async open(
    onRefused: (queue: MiniQueue<string>) => void = () => {},
  ): Promise<
    { queue: MiniQueue<string>; waiting: ReturnType<typeof queue.receive>[] }
  > {
    let isArmed = false;
    const schema: StandardSchemaV1<string, string> = {
      "~standard": {
        version: 1,
        vendor: "test",
        validate: (value) => {
          if (!isArmed || value !== "bad") return { value: value as string };
          onRefused(queue);
          this.refused.resolve();
          return { issues: [{ message: "refused" }] };
        },
      },
    };
    const queue = await this.test.open({ schema });
    await queue.enqueueAll([{ payload: "bad" }, { payload: "good" }]);
    isArmed = true;
    return { queue, waiting: [queue.receive(FOREVER), queue.receive(FOREVER)] };
  }
}

Deno.test("MiniQueue.close() while a message is refused gives back what others were to have, and that does not count", async () => {
  const served = new TwoServed({ maxReceives: 1 });
  let closing: Promise<void> | undefined;
  const { waiting } = await served.open((queue) => closing ??= queue.close());
  assertEquals(await Promise.all(waiting), [undefined, undefined]);
  await closing;
  await using again = await served.test.reopenKilled();
  const { ready, dead } = await again.stats();
  assertEquals([ready, dead], [1, 1]);
});

Deno.test("MiniQueue.purge('all') while a message is refused leaves nothing for others", async () => {
  const served = new TwoServed();
  let purging: Promise<number> | undefined;
  const { queue, waiting } = await served.open((queue) =>
    purging ??= Promise.resolve().then(() => queue.purge("all"))
  );
  await served.refused.promise;
  await purging;
  await queue.close();
  assertEquals(await Promise.all(waiting), [undefined, undefined]);
});

Deno.test("MiniQueue.receive(): no time is lost while the message of somebody else is refused", async () => {
  const served = new TwoServed({ visibilityTimeoutMs: 1_000 });
  const { fs, clock } = served.test;
  const { queue, waiting } = await served.open(() => {
    // It is being written that the message is dead.
    fs.hooks.before = ({ operation }) => {
      if (operation === "write") clock.advance(2_000);
      return undefined;
    };
  });
  const message = await Promise.any(waiting);
  fs.hooks = {};
  assertEquals([message?.payload, message?.receipt], ["good", 1]);
  await message!.ack();
  await queue.close();
});

Deno.test("MiniQueue.receive(): those who wait hear in the order in which they have come", async () => {
  await using queue = await new TestQueue<number>().open();
  const { signal } = new AbortController();
  const heard: string[] = [];
  const waiting = [
    queue.receive({ ...FOREVER, signal }).then(() => heard.push("signal")),
    queue.receive(FOREVER).then(() => heard.push("plain")),
    queue.receiveBatch(1, FOREVER).then(() => heard.push("batch")),
    queue.receive(FOREVER).then(() => heard.push("last")),
  ];
  await queue.enqueueAll([1, 2, 3, 4].map((payload) => ({ payload })));
  await Promise.all(waiting);
  assertEquals(heard, ["signal", "plain", "batch", "last"]);
});
