import { assert, assertEquals, assertMatch } from "@std/assert";
import { Collector } from "../support/collector.ts";
import { TestDirectory } from "../support/dir.ts";
import { Service } from "../support/service.ts";

Deno.test("examples/observed.ts exports one trace of a request, its record, its message and its handler", async () => {
  await using directory = new TestDirectory();
  await using collector = new Collector();
  const args = ["./shop", "0"];
  const { env } = collector;
  await using service = await Service.start(
    directory,
    "observed.ts",
    args,
    env,
  );
  assertEquals(await service.ask("POST /orders", "nut"), "202");
  const done = ["POST", "BATCH apply", "enqueue", "process", "ack"];
  await collector.until(() =>
    done.every((name) => collector.named(name).length > 0)
  );
  const { traceId, spanId } = collector.named("POST")[0]!;
  const ofTrace = collector.spans.filter((span) => span.traceId === traceId);
  const parents = ["enqueue mails", "process mails"].map((name) =>
    ofTrace.find((span) => span.name === name)
  );
  assertEquals(parents[0]?.parentSpanId, spanId);
  assertEquals(parents[1]?.parentSpanId, parents[0]?.spanId);
  const records = ofTrace.filter(({ name }) => name.startsWith("BATCH apply"));
  assertEquals(
    records.map(({ parentSpanId }) => parentSpanId),
    [spanId, parents[1]?.spanId],
  );

  assertEquals(
    await service.ask("GET /orders"),
    '200 [{"item":"nut","isSent":true}]',
  );
  assertMatch(
    await service.ask("GET /healthz"),
    /^200 \{"shop":\{"status":"(ok|degraded)",.*"mails":\{"status":"(ok|degraded)",/,
  );
  assertMatch(
    await service.ask("GET /metrics"),
    /^mini_state_state_records_total\{name="shop"\} [1-9]/m,
  );
  assertEquals(await service.ask("GET /"), "404 there is no such thing");
  await collector.until(() =>
    collector.metrics.has("messaging.process.duration")
  );
  const { code, stderr } = await service.program.stop();
  assertEquals([code, stderr], [0, ""]);
});

Deno.test("examples/observed.ts sends a mail after a restart, without anybody who collects", async () => {
  await using directory = new TestDirectory();
  const start = () => Service.start(directory, "observed.ts", ["./shop", "0"]);
  {
    await using service = await start();
    assertEquals(await service.ask("POST /orders", "bolt"), "202");
    await service.program.kill();
  }
  await using service = await start();
  let orders = "";
  while (!orders.includes('"isSent":true')) {
    orders = await service.ask("GET /orders");
  }
  assert(orders.includes("bolt"));
});
