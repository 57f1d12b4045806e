import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { instrument } from "@mini/state/otel";
import {
  applyToLedger,
  emptyLedger,
  type Ledger,
  type LedgerEntry,
  MiniQueue,
} from "@mini/state/queue";
import { batch, StateManager } from "@mini/state/state";
import { MemoryFileSystem } from "@mini/state/testing";
import { ObservedQueue } from "../support/observed.ts";
import { FakeMeter, FakeTracer } from "../support/telemetry.ts";

const UNTIL_EMPTY = { until: "empty" } as const;

const COMMON = {
  "messaging.system.name": "mini-state",
  "messaging.destination.name": "/jobs",
};

/** The attributes of an operation on the queue. */
function of(type: string, name: string = type) {
  return {
    ...COMMON,
    "messaging.operation.type": type,
    "messaging.operation.name": name,
  };
}

Deno.test("a message carries the span that has enqueued it, and its handler continues that trace", async () => {
  await using observed = await ObservedQueue.open();
  const { queue, tracer } = observed;
  await tracer.within("request", () => queue.enqueue("a"));
  await queue.work(async ({ headers }) => {
    const { context } = tracer.named("enqueue")[0]!;
    assertEquals({ ...headers }, {
      traceparent: `00-${context.traceId}-${context.spanId}-01`,
    });
    await tracer.within(
      "handler",
      () => queue.enqueue("b", { delayMs: 60_000 }),
    );
  }, UNTIL_EMPTY);

  assertEquals(tracer.tree().slice(0, 12), [
    "request (internal)",
    "  enqueue /jobs (producer)",
    "    apply /jobs (client)",
    "      commit /jobs (internal)",
    "    process /jobs (consumer)",
    "      handler (internal)",
    "        enqueue /jobs (producer)",
    "          apply /jobs (client)",
    "            commit /jobs (internal)",
    "      ack /jobs (client)",
    "        apply /jobs (client)",
    "          commit /jobs (internal)",
  ]);
  const [enqueued] = tracer.named("enqueue");
  assertEquals(enqueued!.attributes, {
    ...of("send", "enqueue"),
    "messaging.message.id": "1",
  });
  const [processed] = tracer.named("process");
  assertEquals(processed!.attributes, {
    ...of("process"),
    "messaging.message.id": "1",
    "mini_state.message.attempt": 1,
    "mini_state.message.outcome": "acked",
  });
  assertEquals(
    processed!.links.map((
      { context: { spanId, isRemote } },
    ) => [spanId, isRemote]),
    [[enqueued!.context.spanId, true]],
  );
  const [acked] = tracer.named("ack");
  assertEquals(acked!.attributes, {
    ...of("settle", "ack"),
    "messaging.message.id": "1",
  });
  assert(tracer.spans.every(({ ends, status }) => ends === 1 && status === 0));
});

Deno.test("a delivery that fails says how, and each is counted", async () => {
  await using observed = await ObservedQueue.open({
    maxAttempts: 2,
    backoff: () => 0,
  });
  const { queue, tracer, meter } = observed;
  await queue.enqueueBatch([{ payload: "rejects" }, { payload: "throws" }]);
  await queue.work(({ payload }) => {
    const error = new TypeError(`secret of ${payload}`);
    if (payload === "throws") throw error;
    return Promise.reject(String(error));
  }, UNTIL_EMPTY);

  const ends = tracer.named("process").map(({ attributes, status }) => [
    attributes["mini_state.message.attempt"],
    attributes["mini_state.message.outcome"],
    attributes["error.type"],
    status,
  ]);
  assertEquals(ends, [
    [1, "retried", "_OTHER", 2],
    [2, "dead", "_OTHER", 2],
    [1, "retried", "TypeError", 2],
    [2, "dead", "TypeError", 2],
  ]);
  const dead = tracer.named("dead_letter");
  assertEquals(
    dead.map(({ events }) => events),
    [["mini_state.dead_letters"], ["mini_state.dead_letters"]],
  );
  assertEquals(tracer.named("nack").length, 2);
  assert(!JSON.stringify(tracer.spans).includes("secret"));

  const [enqueued] = tracer.named("enqueue");
  assertEquals(enqueued!.attributes["messaging.batch.message_count"], 2);
  const sent = { ...of("send", "enqueue") };
  assertEquals(meter.of("messaging.client.sent.messages"), [
    { name: "messaging.client.sent.messages", value: 2, attributes: sent },
  ]);
  const types = ["_OTHER", "_OTHER", "TypeError", "TypeError"];
  for (
    const name of [
      "messaging.client.consumed.messages",
      "messaging.process.duration",
      "mini_state.message.wait.duration",
    ]
  ) {
    const measured = meter.of(name);
    assertEquals(
      measured.map(({ attributes }) => attributes),
      types.map((type) => ({ ...of("process"), "error.type": type })),
    );
  }
  assertEquals(meter.of("mini_state.dead_letters"), [
    { name: "mini_state.dead_letters", value: 1, attributes: COMMON },
    { name: "mini_state.dead_letters", value: 1, attributes: COMMON },
  ]);
});

Deno.test("receive is linked with what has enqueued its messages, which a consumer settles in its own trace", async () => {
  await using observed = await ObservedQueue.open();
  const { queue, tracer, meter } = observed;
  const inputs = ["a", "b"].map((payload) => ({ payload }));
  await tracer.within("request", () => queue.enqueueBatch(inputs));
  await tracer.within("consumer", async () => {
    const [first, second] = await queue.receiveBatch(2);
    await first!.nack({ delayMs: 60_000 });
    await second!.ack();
    assertEquals(await queue.receive(), undefined);
  });
  const [some, none] = tracer.named("receive");
  const { context } = tracer.named("enqueue")[0]!;
  assertEquals(
    some!.links.map((link) => link.context.spanId),
    [context.spanId, context.spanId],
  );
  const count = "messaging.batch.message_count";
  assertEquals(some!.attributes, { ...of("receive"), [count]: 2 });
  assertEquals(none!.attributes, { ...of("receive"), [count]: 0 });
  const consumed = meter.of("messaging.client.consumed.messages");
  assertEquals(consumed.map(({ value }) => value), [2]);
  const [consumer] = tracer.named("consumer");
  for (const name of ["receive", "nack", "ack"]) {
    assertEquals(tracer.named(name)[0]!.parentId, consumer!.context.spanId);
  }
});

interface Shop {
  readonly orders: string[];
  readonly mails: Ledger<string>;
}

type Mutation =
  | { readonly order: string }
  | { readonly mails: LedgerEntry<string> };

Deno.test("a message in the same record as a change is created in its trace, and called by the name of its queue", async () => {
  const fs = new MemoryFileSystem();
  const shop = await StateManager.open<Shop, Mutation>("/shop", {
    fs,
    initial: () => ({ orders: [], mails: emptyLedger<string>() }),
    apply: (state, mutation) => {
      if ("mails" in mutation) applyToLedger(state.mails, mutation.mails);
      else state.orders.push(mutation.order);
    },
  });
  const [tracer, meter] = [new FakeTracer(), new FakeMeter()];
  using _ = instrument({ tracer, meter });
  const mails = await MiniQueue.attach(shop, "mails");
  await tracer.within(
    "request",
    () =>
      shop.transact(() =>
        batch<Mutation>([{ order: "nut" }, mails.enqueueMutation("sent")])
      ),
  );
  const message = await mails.receive();
  await shop.applyBatch([{ order: "bolt" }, message!.ackMutation()]);
  assertThrows(() => mails.enqueueMutation("sent", { delayMs: -1 }));
  await mails.close();
  await shop.close();

  const [request, created, failed] = [
    ...tracer.named("request"),
    ...tracer.named("enqueue"),
  ];
  assertEquals(created!.name, "enqueue mails");
  assertEquals(created!.attributes, {
    "messaging.system.name": "mini-state",
    "messaging.destination.name": "mails",
    "messaging.operation.type": "create",
    "messaging.operation.name": "enqueue",
    "messaging.message.id": "1",
  });
  assertEquals(created!.parentId, request!.context.spanId);
  assertEquals(
    tracer.named("BATCH apply")[0]!.context.traceId,
    request!.context.traceId,
  );
  assertEquals(
    message!.headers.traceparent?.slice(3, 35),
    request!.context.traceId,
  );
  assertEquals([failed!.ends, failed!.status], [1, 2]);
  assertEquals(meter.of("messaging.client.sent.messages"), []);
  const [acked] = tracer.named("ack");
  assertEquals([acked!.name, acked!.ends], ["ack mails", 1]);
  assertEquals(tracer.named("open").map(({ attributes }) => attributes), [{
    "db.system.name": "mini-state",
    "db.operation.name": "open",
    "mini_state.kind": "queue",
  }]);
});

Deno.test("what cannot be enqueued is counted as an error", async () => {
  await using observed = await ObservedQueue.open();
  const { queue, tracer, meter } = observed;
  await assertRejects(() => queue.enqueue(1n as never));
  const [enqueued] = tracer.named("enqueue");
  const type = enqueued!.attributes["error.type"];
  assertEquals([enqueued!.status, enqueued!.ends, typeof type], [
    2,
    1,
    "string",
  ]);
  const [sent] = meter.of("messaging.client.sent.messages");
  assertEquals(sent!.attributes!["error.type"], type);
});

Deno.test("a message from before, and one that is posted, have no more than is known", async () => {
  const fs = new MemoryFileSystem();
  const options = { fs, inbox: true };
  await using queue = await MiniQueue.open<string>("/jobs", options);
  await queue.enqueue("early");
  const tracer = new FakeTracer();
  using _ = instrument({ tracer });
  assertEquals((await queue.receive())?.payload, "early");
  assertEquals(tracer.named("receive")[0]!.links, []);
  await MiniQueue.post("/jobs", "posted", { fs });
  const [posted] = tracer.named("post");
  assertEquals(posted!.attributes, {
    ...of("send", "post"),
    "messaging.destination.name": posted!.name.slice("post ".length),
  });
  const message = await queue.receive({ waitMs: 60_000 });
  assertEquals(
    message!.headers.traceparent?.slice(3, 35),
    posted!.context.traceId,
  );
});
