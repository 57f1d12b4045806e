import { context, trace } from "@opentelemetry/api";
import { AsyncLocalStorageContextManager } from "@opentelemetry/context-async-hooks";
import {
  AggregationTemporality,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from "@opentelemetry/sdk-metrics";
import {
  InMemorySpanExporter,
  SimpleSpanProcessor,
  TracerProvider,
} from "@opentelemetry/sdk-trace";
import { assert, assertEquals } from "@std/assert";
import { instrument, METRICS } from "@mini/state/otel";
import { MiniQueue } from "@mini/state/queue";
import { MemoryFileSystem } from "@mini/state/testing";

/** The SDK for Node, and what it exports. */
class Sdk implements AsyncDisposable {
  readonly spans = new InMemorySpanExporter();
  readonly metrics = new InMemoryMetricExporter(
    AggregationTemporality.CUMULATIVE,
  );
  readonly tracers = new TracerProvider({
    spanProcessors: [new SimpleSpanProcessor({ exporter: this.spans })],
  });
  readonly meters: MeterProvider = new MeterProvider({
    readers: [new PeriodicExportingMetricReader({ exporter: this.metrics })],
  });

  constructor() {
    const manager = new AsyncLocalStorageContextManager().enable();
    context.setGlobalContextManager(manager);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    context.disable();
    await this.tracers.shutdown();
    await this.meters.shutdown();
  }
}

Deno.test("with the SDK for Node, a handler's spans are in the trace of the request", async () => {
  await using sdk = new Sdk();
  const tracer = sdk.tracers.getTracer("test");
  const errors: unknown[] = [];
  using _ = instrument({
    tracer,
    meter: sdk.meters.getMeter("test"),
    onError: (error) => errors.push(error),
  });
  const fs = new MemoryFileSystem();
  await using queue = await MiniQueue.open<string>("/jobs", { fs });
  await tracer.startActiveSpan("request", async (span) => {
    await queue.enqueue("count");
    span.end();
  });
  await queue.work(async () => {
    const active = trace.getActiveSpan()!.spanContext();
    await tracer.startActiveSpan("count", async (span) => {
      assertEquals(span.spanContext().traceId, active.traceId);
      await Promise.resolve();
      span.end();
    });
  }, { until: "empty" });

  const spans = sdk.spans.getFinishedSpans();
  const find = (name: string) => {
    const found = spans.find((span) => span.name === name);
    assert(found, `no ${name} in ${spans.map(({ name }) => name)}`);
    return found!;
  };
  const chain = ["count", "process /jobs", "enqueue /jobs", "request"].map(
    find,
  );
  for (const [index, parent] of chain.slice(1).entries()) {
    const { traceId, spanId } = parent!.spanContext();
    const child = chain[index]!;
    assertEquals(child.parentSpanContext?.spanId, spanId);
    assertEquals(child.spanContext().traceId, traceId);
  }
  assertEquals(chain[1]!.parentSpanContext?.isRemote, true);

  await sdk.meters.forceFlush();
  const named = sdk.metrics.getMetrics().at(-1)!.scopeMetrics
    .flatMap(({ metrics }) => metrics)
    .map(({ descriptor: { name, unit } }) => [name, unit]);
  assert(named.length > 5);
  for (const [name, unit] of named) {
    assertEquals(unit, METRICS[name as keyof typeof METRICS].unit);
  }
  assertEquals(errors, []);
});
