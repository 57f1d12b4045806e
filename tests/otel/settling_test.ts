import { assertEquals } from "@std/assert";
import { FakeClock } from "../support/fake_clock.ts";
import { ObservedQueue } from "../support/observed.ts";

const UNTIL_EMPTY = { until: "empty" } as const;

const COMMON = {
  "messaging.system.name": "mini-state",
  "messaging.destination.name": "/jobs",
};

Deno.test("a schedule begins a trace for each message that it enqueues", async () => {
  const clock = new FakeClock();
  const schedules = { poll: { everyMs: 1_000, payload: "poll" } };
  await using observed = await ObservedQueue.open({ clock, schedules });
  const { queue, tracer } = observed;
  const received = queue.receive({ waitMs: 5_000 });
  await clock.advance(1_000);
  const message = await received;
  const [scheduled] = tracer.named("schedule");
  assertEquals(scheduled!.name, "schedule /jobs");
  assertEquals(
    message!.headers.traceparent?.slice(3, 35),
    scheduled!.context.traceId,
  );
  await message!.ack();
});

Deno.test("a lease that expires is counted", async () => {
  const clock = new FakeClock();
  await using observed = await ObservedQueue.open({
    clock,
    visibilityTimeoutMs: 1_000,
  });
  const { queue, meter } = observed;
  await queue.enqueue("a");
  await queue.receive();
  const again = queue.receive({ waitMs: 5_000 });
  await clock.advance(1_000);
  await (await again)!.ack();
  assertEquals(meter.of("mini_state.expired_leases"), [
    { name: "mini_state.expired_leases", value: 1, attributes: COMMON },
  ]);
});

Deno.test("a handler that gives its message back has failed in that way", async () => {
  await using observed = await ObservedQueue.open();
  const { queue, tracer } = observed;
  await queue.enqueue("a");
  let turn = 0;
  await queue.work(async (message) => {
    if (++turn === 1) await message.nack();
  }, UNTIL_EMPTY);
  const types = tracer.named("process").map(({ attributes }) =>
    attributes["error.type"]
  );
  assertEquals(types, ["retried", undefined]);
});

Deno.test("deliveries that end in different ways are settled as a batch", async () => {
  const clock = new FakeClock();
  const options = { clock, visibilityTimeoutMs: 1_000, maxAttempts: 2 };
  await using observed = await ObservedQueue.open(options);
  const { queue, tracer } = observed;
  await queue.enqueue("a");
  await (await queue.receive())!.nack();
  await queue.enqueue("b");
  await queue.receiveBatch(2);
  const again = queue.receive({ waitMs: 5_000 });
  await clock.advance(1_000);
  await (await again)!.ack();
  const [settled] = tracer.named("settle");
  assertEquals(settled!.attributes, {
    ...COMMON,
    "messaging.operation.type": "settle",
    "messaging.operation.name": "settle",
    "messaging.batch.message_count": 2,
  });
});

Deno.test("the type of an error is a code or a name, and never a text that may hold data", async () => {
  await using observed = await ObservedQueue.open({ maxAttempts: 1 });
  const { queue, tracer } = observed;
  const withFields = (fields: PropertyDescriptorMap) =>
    Object.defineProperties(new Error("secret"), fields);
  const errors = [
    withFields({ code: { value: "ENOENT" } }),
    withFields({ code: { value: "no user secret" }, name: { value: "No" } }),
    withFields({ name: { value: "no user secret" } }),
    withFields({ name: { value: "" }, code: { value: 5 } }),
    withFields({ code: { get: () => JSON.parse("secret") } }),
    { code: "secret" },
  ];
  for (const payload of errors.keys()) await queue.enqueue(String(payload));
  await queue.work(({ payload }) => {
    throw errors[Number(payload)];
  }, UNTIL_EMPTY);
  assertEquals(
    tracer.named("process").map(({ attributes, ends }) => [
      attributes["error.type"],
      ends,
    ]),
    ["ENOENT", "No", "_OTHER", "_OTHER", "Error", "_OTHER"]
      .map((type) => [type, 1]),
  );
});
