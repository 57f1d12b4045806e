// The interface that code for any queue asks for.
import { assertEquals } from "@std/assert";
import {
  type LedgerEntry,
  MiniQueue,
  type Queue,
  type QueueMessage,
  type ReceivedMessage,
} from "@mini/state/queue";
import { MemoryFileSystem } from "@mini/state/testing";
import { QUEUE_RULES } from "../support/queue_rules/rules.ts";

/** Compiles only for what is true. */
function holds<_T extends true>(): void {}

type Is<A, B> = A extends B ? true : false;

Deno.test("MiniQueue has the shape of a Queue, attached to a state or not, with results or without", () => {
  holds<Is<MiniQueue<{ a: number }>, Queue<{ a: number }>>>();
  holds<Is<MiniQueue<string, number>, Queue<string>>>();
  type Attached = MiniQueue<string, unknown, { box: LedgerEntry<string> }>;
  holds<Is<Attached, Queue<string>>>();
  holds<Is<QueueMessage<string>, ReceivedMessage<string>>>();
});

Deno.test("code for any queue runs on a MiniQueue", async () => {
  async function failOnce(queue: Queue<string>): Promise<number[]> {
    const attempts: number[] = [];
    await queue.work((message) => {
      attempts.push(message.attempts);
      if (message.attempts === 1) throw new Error("not yet");
    }, { until: "empty" });
    return attempts;
  }
  const fs = new MemoryFileSystem();
  const options = { fs, backoff: () => 0 };
  await using queue = await MiniQueue.open<string>("/queue", options);
  await queue.enqueue("a");
  assertEquals(await failOnce(queue), [1, 2]);
});

for (const { name, check } of QUEUE_RULES) {
  Deno.test(`MiniQueue as a Queue: ${name}`, async () => {
    await check((options) =>
      MiniQueue.open<string>("/queue", {
        ...options,
        fs: new MemoryFileSystem(),
      })
    );
  });
}
