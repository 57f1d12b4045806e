// What leaves the order of delivery leaves nothing there.
import { assertEquals } from "@std/assert";
import {
  applyToLedger,
  emptyLedger,
  type LedgerEntry,
  QueueView,
} from "@mini/state/queue";
import { TestQueue } from "../support/queue.ts";

Deno.test("QueueView shows a message that is retried later after those that are ready", async () => {
  const test = new TestQueue<string>();
  await using queue = await test.open();
  const { fs, clock } = test;
  await using view = await QueueView.open<string>("/data", { fs, clock });
  const payloadsIn = async () => {
    await view.until(queue.sequence);
    return (await view.peek()).map(({ payload }) => payload);
  };
  await queue.enqueueBatch([
    { payload: "a", group: "g" },
    { payload: "behind a", group: "g" },
  ]);
  assertEquals(await payloadsIn(), ["a", "behind a"]);
  await (await queue.receive())!.nack({ delayMs: 1_000 });
  await queue.enqueue("b");
  assertEquals(await payloadsIn(), ["b", "a", "behind a"]);
  assertEquals((await view.stats()).delayed, 1);
});

Deno.test("QueueView lets go of what is done, however many there were", async () => {
  const test = new TestQueue<string>();
  await using queue = await test.open();
  const { fs, clock } = test;
  await using view = await QueueView.open<string>("/data", { fs, clock });
  await view.stats();
  await queue.enqueue("stays", { priority: -1 });
  for (let done = 0; done < 100; done++) {
    await queue.enqueue(`${done}`);
    await (await queue.receive())!.ack();
    await view.until(queue.sequence);
  }
  assertEquals(await view.stats(), await queue.stats());
  assertEquals(await view.peek(), await queue.peek());
});

Deno.test("MiniQueue.peek() shows messages for one date by priority, then in their order", async () => {
  const test = new TestQueue<string>();
  await using queue = await test.open();
  const at = new Date(test.clock.wall() + 1_000);
  for (const payload of ["a", "b", "c"]) await queue.enqueue(payload, { at });
  await queue.enqueue("urgent", { at, priority: 1 });
  const peeked = (await queue.peek()).map(({ payload }) => payload);
  assertEquals(peeked, ["urgent", "a", "b", "c"]);
  test.clock.advance(1_000);
  const received = await queue.receiveBatch(4);
  assertEquals(received.map(({ payload }) => payload), peeked);
});

Deno.test("a ledger keeps to its limits after a dead letter was redriven hundreds of times", () => {
  const ledger = emptyLedger<string>();
  let at = 0;
  const enter = (event: object) =>
    applyToLedger(ledger, { at: at++, v: 2, ...event } as LedgerEntry<string>);
  const die = (id: number) => {
    const receipt = (ledger.messages[id]?.receipt ?? 0) + 1;
    enter({ receive: [id] });
    enter({ settle: [{ id, receipt, as: "dead" }] });
  };
  enter({ policy: { dead: { count: 2 } } });
  enter({ enqueue: [1, 2, 3].map((id) => ({ id, payload: `${id}` })) });
  die(1);
  for (let times = 0; times < 200; times++) {
    die(2);
    enter({ redrive: [2] });
  }
  die(2);
  assertEquals(Object.keys(ledger.dead), ["1", "2"]);
  die(3);
  assertEquals(Object.keys(ledger.dead), ["2", "3"]);
});
