import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { Listener } from "../support/listener.ts";
import { TestQueue, turns } from "../support/queue.ts";
import { POINTS, sent, told, TRACED } from "../support/told.ts";

const PATH = "/data/journal.jsonl";

Deno.test("a queue tells of its opening, of what is enqueued, received and settled", async () => {
  const test = new TestQueue<string>();
  using listener = new Listener(TRACED, POINTS);
  const queue = await test.open();
  await queue.enqueue("a", { headers: { from: "ada" } });
  await queue.enqueueBatch([{ payload: "b" }, { payload: "c" }]);
  const first = await queue.receive();
  await first!.ack();
  for (const each of await queue.receiveBatch(5)) await each.nack();
  const waiting = queue.receiveBatch(1, { waitMs: 1_000 });
  await (await waiting)[0]!.deadLetter("no");
  await queue.receive();
  const late = queue.receive({ waitMs: 1_000 });
  await turns();
  await queue.enqueue("d");
  await (await late)!.ack();
  await queue.close();

  const opened = listener.of("open asyncEnd").at(-1)!;
  const { kind, directory, path, logId } = opened;
  assertEquals([kind, directory, path], ["queue", "/data", PATH]);
  assert(typeof logId === "string");
  const others = listener.events.filter(({ name }) => !/^open/.test(name));
  assert(
    others.every(({ message }) =>
      message.path === PATH && message.logId === logId && !("name" in message)
    ),
  );

  assertEquals(sent(listener), [
    ["enqueue", [[1, { from: "ada" }]]],
    ["enqueue", [[2, undefined], [3, undefined]]],
    ["enqueue", [[4, undefined]]],
  ]);
  assertEquals(
    told(listener, "receive asyncEnd").map((each) => ({
      ...each,
      deliveries: (each.deliveries as { id: number }[]).map(({ id }) => id),
    })),
    [
      { max: 1, waited: false, deliveries: [1] },
      { max: 5, waited: false, deliveries: [2, 3] },
      { max: 1, waited: false, deliveries: [2] },
      { max: 1, waited: false, deliveries: [3] },
      { max: 1, waited: true, deliveries: [4] },
    ],
  );
  const [delivered] = told(listener, "receive asyncEnd");
  assertEquals(delivered!.deliveries, [
    { id: 1, attempt: 1, headers: { from: "ada" } },
  ]);
  const consumer = { by: "consumer", durable: true };
  assertEquals(told(listener, "settle asyncEnd"), [
    { ...consumer, settlements: [{ id: 1, as: "acked" }] },
    { ...consumer, settlements: [{ id: 2, as: "retried" }] },
    { ...consumer, settlements: [{ id: 3, as: "retried" }] },
    { ...consumer, settlements: [{ id: 2, as: "dead" }] },
    { ...consumer, settlements: [{ id: 4, as: "acked" }] },
  ]);
  assertEquals(told(listener, "dead-letter"), [{ id: 2, attempts: 2 }]);
  assertEquals(listener.events.filter(({ name }) => /error/.test(name)), []);
});

Deno.test("a queue tells each step of an iteration as a receive", async () => {
  const test = new TestQueue<string>();
  await using queue = await test.open();
  await queue.enqueue("a");
  using listener = new Listener(["receive"]);
  for await (const message of queue) {
    await message.ack();
    break;
  }
  const [received] = told(listener, "receive asyncEnd");
  assertEquals(received, {
    max: 1,
    waited: false,
    deliveries: [{ id: 1, attempt: 1, headers: {} }],
  });
});

Deno.test("a queue tells of failed operations by the error event", async () => {
  const test = new TestQueue<string>();
  await using queue = await test.open();
  using listener = new Listener(TRACED);
  await queue.enqueue("a");
  const message = (await queue.receive())!;
  await message.ack();
  const expired = await assertRejects(() => message.ack());
  const junk = [
    await assertRejects(() => queue.enqueueBatch([null as never])),
    await assertRejects(() =>
      queue.enqueueBatch([{ payload: "b", headers: "h" as never }])
    ),
  ];
  const error = await assertRejects(() => queue.receive({ waitMs: -1 }));
  const errors = (name: string) =>
    listener.of(`${name} error`).map(({ error }) => error);
  assertEquals(errors("settle"), [expired]);
  assertEquals(errors("enqueue"), junk);
  assertEquals(errors("receive"), [error]);
  assertEquals(sent(listener, "enqueue error"), [
    ["enqueue", [[undefined, undefined]]],
    ["enqueue", [[undefined, undefined]]],
  ]);
  const flaw = assertThrows(() =>
    queue.enqueueMutation("c", { delayMs: 1, at: new Date() })
  );
  assertEquals(errors("enqueue"), [...junk, flaw]);
  assertEquals(sent(listener, "enqueue end").at(-1), [
    "mutation",
    [[undefined, undefined]],
  ]);
  junk.push(flaw as Error);
  await assertRejects(() => queue.enqueueBatch("junk" as never), TypeError);
  assertEquals(errors("enqueue"), junk);
});

Deno.test("a queue tells of a delivery that was not settled in time", async () => {
  const test = new TestQueue<string>({
    visibilityTimeoutMs: 1_000,
    maxAttempts: 2,
  });
  await using queue = await test.open();
  await queue.enqueue("a");
  using listener = new Listener(TRACED, POINTS);
  await queue.receive();
  test.clock.advance(1_000);
  await queue.receive();
  assertEquals(told(listener, "lease-expired"), [{ id: 1, attempt: 1 }]);
  test.clock.advance(1_000);
  assertEquals(await queue.receive(), undefined);
  assertEquals(told(listener, "lease-expired"), [
    { id: 1, attempt: 1 },
    { id: 1, attempt: 2 },
  ]);
  assertEquals(told(listener, "dead-letter"), [{ id: 1, attempts: 2 }]);
  assertEquals(
    told(listener, "settle asyncEnd").map(({ by, settlements }) => [
      by,
      settlements,
    ]),
    [
      ["queue", [{ id: 1, as: "retried" }]],
      ["queue", [{ id: 1, as: "dead" }]],
    ],
  );
});
