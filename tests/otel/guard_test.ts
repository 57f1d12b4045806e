import { channel } from "node:diagnostics_channel";
import process from "node:process";
import { assertEquals } from "@std/assert";
import { instrument, type InstrumentOptions } from "@mini/state/otel";
import { MiniQueue } from "@mini/state/queue";
import { MiniStore } from "@mini/state/store";
import { MemoryFileSystem } from "@mini/state/testing";
import { FakeMeter, FakeTracer } from "../support/telemetry.ts";

/** A function that throws. */
function fail(): never {
  throw new Error("out of order");
}

/** Appends a record while something is instrumented. Returns what was reported. */
async function appendWith(
  options: InstrumentOptions,
  onError: (error: unknown) => void = () => {},
): Promise<string[]> {
  const reported: string[] = [];
  const told = (error: unknown) => {
    reported.push(String(error));
    onError(error);
  };
  await append({ onError: told, ...options }, reported);
  return reported;
}

/** Appends a record. Adds to what was reported whatever nobody has caught. */
async function append(
  options: InstrumentOptions,
  reported: string[],
): Promise<void> {
  const onUncaught = (error: Error) => void reported.push(`uncaught ${error}`);
  process.on("uncaughtException", onUncaught);
  try {
    using _ = instrument(options);
    const fs = new MemoryFileSystem();
    await using store = await MiniStore.open<number>("/log/journal.jsonl", {
      fs,
    });
    assertEquals(await store.append(1), 1);
  } finally {
    process.off("uncaughtException", onUncaught);
  }
}

Deno.test("a tracer or a meter that throws disturbs nothing, and is reported once", async () => {
  const broken = { startSpan: fail, startActiveSpan: fail };
  assertEquals(await appendWith({ tracer: broken }), ["Error: out of order"]);
  const meter = { createCounter: fail, createHistogram: fail };
  assertEquals(await appendWith({ meter }), ["Error: out of order"]);
  const later = {
    createCounter: () => ({ add: fail }),
    createHistogram: () => ({ record: fail }),
  };
  assertEquals(await appendWith({ meter: later }), ["Error: out of order"]);
});

Deno.test("what onError throws is nobody's error", async () => {
  const tracer = { startSpan: fail, startActiveSpan: fail };
  assertEquals(await appendWith({ tracer }, fail), ["Error: out of order"]);
});

Deno.test("errors of a tracer are ignored without onError", async () => {
  const tracer = { startSpan: fail, startActiveSpan: fail };
  const uncaught: string[] = [];
  await append({ tracer }, uncaught);
  assertEquals(uncaught, []);
});

Deno.test("a meter that fails does not keep spans from their end", async () => {
  const tracer = new FakeTracer();
  const meter = new FakeMeter();
  meter.createHistogram = () => ({ record: fail });
  await appendWith({ tracer, meter });
  assertEquals(tracer.spans.map(({ ends }) => ends), [1, 1, 1]);
});

Deno.test("a tracer that does nothing is not asked for spans within its spans", async () => {
  const tracer = new FakeTracer();
  tracer.isOff = true;
  await appendWith({ tracer });
  using _ = instrument({ tracer });
  const fs = new MemoryFileSystem();
  await using queue = await MiniQueue.open<string>("/jobs", { fs });
  await queue.enqueue("a");
  await queue.work(({ headers }) => {
    assertEquals({ ...headers }, {});
  }, { until: "empty" });
  assertEquals(
    tracer.tree().filter((line) => !line.startsWith("apply")),
    [
      "open /log (client)",
      "append /log (client)",
      "open /jobs (client)",
      "enqueue /jobs (producer)",
      "process /jobs (consumer)",
    ],
  );
});

Deno.test("several can be instrumented, and each ends by itself", async () => {
  const [first, second] = [new FakeTracer(), new FakeTracer()];
  const fs = new MemoryFileSystem();
  await using store = await MiniStore.open<number>("/log/journal.jsonl", {
    fs,
  });
  const one = instrument({ tracer: first });
  using _ = instrument({ tracer: second });
  await store.append(1);
  one[Symbol.dispose]();
  one[Symbol.dispose]();
  await store.append(2);
  const counts = [first, second].map((tracer) => tracer.named("append").length);
  assertEquals(counts, [1, 2]);
});

Deno.test("what began before is no one's span", async () => {
  const tracer = new FakeTracer();
  const fs = new MemoryFileSystem();
  const before = instrument({ meter: new FakeMeter() });
  await using store = await MiniStore.open<number>("/log/journal.jsonl", {
    fs,
  });
  const appended = store.append(1);
  using _ = instrument({ tracer });
  await appended;
  before[Symbol.dispose]();
  assertEquals(tracer.named("append"), []);
});

Deno.test("a span that cannot be written to, or for which a message lacks what is told, ends all the same", async () => {
  const tracer = new FakeTracer();
  const receive = channel("tracing:mini-state:receive:start");
  const freeze = (message: unknown) => void Object.freeze(message);
  receive.subscribe(freeze);
  try {
    using _ = instrument({ tracer });
    const fs = new MemoryFileSystem();
    await using queue = await MiniQueue.open<string>("/jobs", { fs });
    await queue.enqueue("a");
    const start = tracer.startSpan.bind(tracer);
    tracer.startSpan = (...given) =>
      Object.assign(start(...given), { setAttributes: fail });
    await (await queue.receive())!.ack();
  } finally {
    receive.unsubscribe(freeze);
  }
  const ends = ["receive", "ack"].map((name) => tracer.named(name)[0]!.ends);
  assertEquals(ends, [1, 1]);
});
