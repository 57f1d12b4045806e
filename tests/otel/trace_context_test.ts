import { assertEquals } from "@std/assert";
import { type Context, instrument, type Span } from "@mini/state/otel";
import { MiniQueue } from "@mini/state/queue";
import { MemoryFileSystem } from "@mini/state/testing";
import { ObservedQueue } from "../support/observed.ts";
import { FakeTracer } from "../support/telemetry.ts";

const UNTIL_EMPTY = { until: "empty" } as const;

Deno.test("what a producer has set as traceparent stays, and is linked", async () => {
  await using observed = await ObservedQueue.open();
  const { queue, tracer } = observed;
  const traceparent = `00-${"a".repeat(32)}-${"b".repeat(16)}-01`;
  await queue.enqueue("a", { headers: { traceparent } });
  const [enqueued] = tracer.named("enqueue");
  assertEquals(enqueued!.links.map(({ context }) => context.spanId), [
    "b".repeat(16),
  ]);
  await queue.work(({ headers }) => {
    assertEquals({ ...headers }, { traceparent });
  }, UNTIL_EMPTY);
  const [processed] = tracer.named("process");
  assertEquals(processed!.context.traceId, "a".repeat(32));
});

Deno.test("a message without a valid traceparent is handled in a trace of its own", async () => {
  await using observed = await ObservedQueue.open();
  const { queue, tracer } = observed;
  const [trace, span] = ["a".repeat(32), "b".repeat(16)];
  const wrong = [
    "",
    "00-1",
    `00-${trace}-${span}`,
    `00-${trace.toUpperCase()}-${span}-01`,
    `00-${trace}-${span}-01-more`,
    `ff-${trace}-${span}-01`,
    `00-${"0".repeat(32)}-${span}-01`,
    `00-${trace}-${"0".repeat(16)}-01`,
  ];
  for (const traceparent of wrong) {
    await queue.enqueue("a", { headers: { traceparent } });
  }
  const ids: string[] = [];
  await tracer.within("worker", () =>
    queue.work(() => {
      ids.push(tracer.active!.spanContext().traceId);
    }, UNTIL_EMPTY));
  assertEquals(ids.length, wrong.length);
  assertEquals(new Set(ids).size, ids.length);
  const processed = tracer.named("process");
  assertEquals(
    processed.map(({ parentId, links }) => [parentId, links.length]),
    wrong.map(() => [undefined, 0]),
  );
});

Deno.test("a later version of traceparent is read, and tracestate stays with it", async () => {
  await using observed = await ObservedQueue.open();
  const { queue, tracer } = observed;
  const parent = `01-${"a".repeat(32)}-${"b".repeat(16)}-00-more`;
  const traced = async (tracestate: string) => {
    const headers = { traceparent: parent, tracestate };
    await queue.enqueue("a", { headers });
    let found: string | undefined;
    await queue.work(async ({ payload }) => {
      if (payload !== "a") return;
      const { traceId, traceState } = tracer.active!.spanContext();
      assertEquals(traceId, "a".repeat(32));
      await queue.enqueue("b");
      const next = await queue.receive();
      found = next?.headers.tracestate;
      assertEquals(found, traceState?.serialize());
      await next?.ack();
    }, UNTIL_EMPTY);
    return found;
  };
  assertEquals(await traced("a=1, b@c=2 ,,d/e= 3"), "a=1,b@c=2,d/e= 3");
  for (
    const wrong of [
      "",
      "a",
      "A=1",
      "a=1,a=2",
      "a=ä",
      "a=1 =2",
      "x=1,".repeat(40),
    ]
  ) assertEquals(await traced(wrong), undefined);
});

Deno.test("a tracestate can be read and changed", async () => {
  await using observed = await ObservedQueue.open();
  const { queue, tracer } = observed;
  const traceparent = `00-${"a".repeat(32)}-${"b".repeat(16)}-01`;
  const headers = { traceparent, tracestate: "a=1,b=2" };
  await queue.enqueue("x", { headers });
  await queue.work(() => {
    const { traceState } = tracer.active!.spanContext();
    assertEquals([traceState!.get("a"), traceState!.get("c")], [
      "1",
      undefined,
    ]);
    const changed = traceState!.set("b", "3").set("c", "4").unset("a");
    assertEquals(changed.serialize(), "c=4,b=3");
    assertEquals(traceState!.serialize(), "a=1,b=2");
    let many = changed;
    for (let n = 0; n < 40; n++) many = many.set(`k${n}`, "v");
    assertEquals(many.serialize().split(",").length, 32);
  }, UNTIL_EMPTY);
});

Deno.test("a handler runs once, whatever the tracer does, beside another one", async () => {
  const fs = new MemoryFileSystem();
  await using queue = await MiniQueue.open<string>("/jobs", { fs });
  const steps: string[] = [];
  const other = new FakeTracer();
  using _other = instrument({ tracer: other });
  const tracer = new FakeTracer();
  const errors: string[] = [];
  const onError = (error: unknown) => void errors.push(String(error));
  for (
    const startActiveSpan of [
      () => {
        throw new Error("before");
      },
      () => undefined,
      (
        _1: unknown,
        _2: unknown,
        _3: unknown,
        run: (span: unknown) => unknown,
      ) => {
        run(tracer.startSpan("own"));
        run(tracer.startSpan("own"));
        throw new Error("after");
      },
    ]
  ) {
    using _ = instrument({
      tracer: {
        startSpan: tracer.startSpan.bind(tracer),
        startActiveSpan: startActiveSpan as never,
      },
      onError,
    });
    await queue.enqueue("a");
    await queue.work(() => void steps.push("handled"), UNTIL_EMPTY);
  }
  assertEquals(steps, ["handled", "handled", "handled"]);
  assertEquals(other.named("process").map(({ ends }) => ends), [1, 1, 1]);
  assertEquals(errors, ["Error: before", "Error: after"]);
});

Deno.test("a tracer may read and change the context that it is given, and the span in it", async () => {
  const fs = new MemoryFileSystem();
  await using queue = await MiniQueue.open<string>("/jobs", { fs });
  const traceparent = `00-${"a".repeat(32)}-${"b".repeat(16)}-01`;
  await queue.enqueue("a", { headers: { traceparent } });
  const contexts: Context[] = [];
  const tracer = new FakeTracer();
  using _ = instrument({
    tracer: {
      startSpan: tracer.startSpan.bind(tracer),
      startActiveSpan(name, options, context, run) {
        contexts.push(context);
        return tracer.startActiveSpan(name, options, context, run);
      },
    },
  });
  await queue.work(() => {}, UNTIL_EMPTY);
  const [context] = contexts as [Context];
  const key = Symbol("key");
  const changed = context.setValue(key, 1).setValue(key, 2);
  assertEquals([context.getValue(key), changed.getValue(key)], [undefined, 2]);
  const spanKey = Symbol.for("OpenTelemetry Context Key SPAN");
  const without = changed.deleteValue(spanKey);
  assertEquals([without.getValue(spanKey), without.getValue(key)], [
    undefined,
    2,
  ]);

  const span = context.getValue(spanKey) as Span & { isRecording(): boolean };
  assertEquals(span.spanContext(), {
    traceId: "a".repeat(32),
    spanId: "b".repeat(16),
    traceFlags: 1,
    isRemote: true,
  });
  assertEquals(span.isRecording(), false);
  assertEquals(span.setAttributes({ a: 1 }), span);
  span.end();
});

Deno.test("a span with an identity that W3C Trace Context does not allow is not passed on", async () => {
  const ids = { traceId: "a".repeat(32), spanId: "b".repeat(16) };
  const contexts = [
    { traceId: "", spanId: "", traceFlags: 1 },
    { ...ids, spanId: "b\n", traceFlags: 1 },
    { ...ids, traceFlags: NaN },
    { ...ids, traceFlags: 257 },
    { ...ids, traceFlags: 0 },
  ];
  const fs = new MemoryFileSystem();
  await using queue = await MiniQueue.open<string>("/jobs", { fs });
  const passed: unknown[] = [];
  for (const context of contexts) {
    const span: Span = {
      spanContext: () => context,
      setAttributes: () => {},
      addEvent: () => {},
      setStatus: () => {},
      end: () => {},
    };
    using _ = instrument({
      tracer: {
        startSpan: () => span,
        startActiveSpan: (_name, _options, _context, run) => run(span),
      },
    });
    await queue.enqueue("a");
    const message = await queue.receive();
    passed.push(message!.headers.traceparent);
    await message!.ack();
  }
  const unsampled = `00-${ids.traceId}-${ids.spanId}-00`;
  assertEquals(passed, [...contexts.slice(1).map(() => undefined), unsampled]);
});

Deno.test("a tracestate that a producer has set without a traceparent is not taken for that of the span", async () => {
  await using observed = await ObservedQueue.open();
  const { queue, tracer } = observed;
  await queue.enqueue("a", { headers: { tracestate: "stale=1" } });
  await queue.work(({ headers }) => {
    assertEquals(headers.tracestate, "");
  }, UNTIL_EMPTY);
  const [processed] = tracer.named("process");
  assertEquals(processed!.context.traceState, undefined);
});
