// The calls of a queue and power cuts: the queue has what a call has promised when it resolves.
import { MiniQueue } from "@mini/state/queue";
import { crashStates, MemoryFileSystem } from "@mini/state/testing";
import { assertEquals, assertNotEquals } from "@std/assert";
import { openShop } from "../support/shop.ts";

type Queue = Omit<MiniQueue<string>, "enqueueMutation">;

/** Opens a queue. Returns it, and what closes it with all that holds it. */
type Open = (
  fs: MemoryFileSystem,
) => Promise<{ readonly queue: Queue; readonly close: () => Promise<void> }>;

const OPTIONS = { keepFinished: { count: 10 } };

const KINDS: Readonly<Record<string, Open>> = {
  "a queue": async (fs) => {
    const queue = await MiniQueue.open<string>("/data", { fs, ...OPTIONS });
    return { queue, close: () => queue.close() };
  },
  "a queue in a state": async (fs) => {
    const shop = await openShop(fs);
    const queue = await MiniQueue.attach(shop, "jobs", OPTIONS);
    return {
      queue: queue as unknown as Queue,
      close: () => queue.close().then(() => shop.close()),
    };
  },
};

const CALLS: readonly [
  name: string,
  call: (queue: Queue) => Promise<unknown>,
  before?: (queue: Queue) => Promise<unknown>,
][] = [
  ["enqueue()", (queue) => queue.enqueue("new")],
  ["enqueueBatch()", (queue) => queue.enqueueBatch([{ payload: "new" }])],
  ["ack()", async (queue) => (await queue.receive())!.ack()],
  ["deadLetter()", async (queue) => (await queue.receive())!.deadLetter("no")],
  ["redrive()", (queue) => queue.redrive("all")],
  ["purge() of dead letters", (queue) => queue.purge()],
  ["purge() of all", (queue) => queue.purge("all")],
  ["cancel()", (queue) => queue.cancel(2)],
  ["update()", (queue) => queue.update(2, { payload: "updated" })],
  ["pause()", (queue) => queue.pause()],
  ["resume()", (queue) => queue.resume(), (queue) => queue.pause()],
];

/** The content of a queue. */
async function contentOf(queue: Queue) {
  const brief = (messages: readonly { id: number; payload: string }[]) =>
    messages.map(({ id, payload }) => `${id} ${payload}`);
  return {
    paused: (await queue.stats()).paused,
    waiting: brief(await queue.peek()),
    dead: brief(await queue.deadLetters()),
    finished: (await queue.finished()).map(({ id }) => id),
  };
}

for (const [kind, open] of Object.entries(KINDS)) {
  Deno.test(`${kind} has after a power cut what its calls have promised`, async () => {
    for (const [name, call, before] of CALLS) {
      const fs = new MemoryFileSystem();
      const { queue, close } = await open(fs);
      await queue.enqueueBatch([{ payload: "flawed" }, { payload: "a" }]);
      await (await queue.receive())!.deadLetter("flawed");
      await before?.(queue);
      const earlier = await contentOf(queue);
      await call(queue);
      const disk = fs.snapshot();
      const promised = await contentOf(queue);
      assertNotEquals(promised, earlier, name);
      await close();
      const [left] = crashStates(disk);
      const again = await open(left!.fs);
      assertEquals(await contentOf(again.queue), promised, name);
      await again.close();
    }
  });
}
