// Consumers who are served together, while something happens.
import { assertEquals } from "@std/assert";
import type { MiniQueue, QueueOptions } from "@mini/state/queue";
import type { StandardSchemaV1 } from "@standard-schema/spec";
import { TestQueue } from "../support/queue.ts";

const FOREVER = { waitMs: Infinity };

/** A queue of "bad", which the schema refuses, and "good". */
class Refusing {
  readonly test: TestQueue<string>;
  readonly refused = Promise.withResolvers<void>();

  constructor(options: QueueOptions<string> = {}) {
    this.test = new TestQueue(options);
  }

  async open(
    onRefused: (queue: MiniQueue<string>) => void = () => {},
  ): Promise<MiniQueue<string>> {
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
    await queue.enqueueBatch([{ payload: "bad" }, { payload: "good" }]);
    isArmed = true;
    return queue;
  }
}

/** Two who wait, and are served together. */
function two(queue: MiniQueue<string>) {
  return [queue.receive(FOREVER), queue.receive(FOREVER)];
}

Deno.test("MiniQueue.close() while a message is refused gives back what others were to have, and that does not count", async () => {
  const served = new Refusing({ maxAttempts: 1 });
  let closing: Promise<void> | undefined;
  const queue = await served.open((queue) => closing ??= queue.close());
  assertEquals(await Promise.all(two(queue)), [undefined, undefined]);
  await closing;
  await using again = await served.test.reopenKilled();
  const { ready, dead } = await again.stats();
  assertEquals([ready, dead], [1, 1]);
});

Deno.test("MiniQueue.purge('all') while a message is refused leaves nothing for others", async () => {
  const served = new Refusing();
  let purging: Promise<number> | undefined;
  const queue = await served.open((queue) =>
    purging ??= Promise.resolve().then(() => queue.purge("all"))
  );
  const waiting = two(queue);
  await served.refused.promise;
  await purging;
  await queue.close();
  assertEquals(await Promise.all(waiting), [undefined, undefined]);
});

Deno.test("MiniQueue.purge('all') while a message of a batch is refused leaves nothing of the batch", async () => {
  const served = new Refusing();
  let purging: Promise<number> | undefined;
  const queue = await served.open((queue) =>
    purging ??= Promise.resolve().then(() => queue.purge("all"))
  );
  const batch = queue.receiveBatch(2, FOREVER);
  await served.refused.promise;
  await purging;
  await queue.close();
  assertEquals(await batch, []);
});

Deno.test("MiniQueue.receive(): no time is lost while the message of somebody else is refused", async () => {
  const served = new Refusing({ visibilityTimeoutMs: 1_000 });
  const { fs, clock } = served.test;
  const queue = await served.open(() => {
    // It is being written that the message is dead.
    fs.hooks.before = ({ operation }) => {
      if (operation === "write") clock.advance(2_000);
      return undefined;
    };
  });
  const message = await Promise.any(two(queue));
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
  await queue.enqueueBatch([1, 2, 3, 4].map((payload) => ({ payload })));
  await Promise.all(waiting);
  assertEquals(heard, ["signal", "plain", "batch", "last"]);
});
