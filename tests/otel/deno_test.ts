import { assert, assertEquals } from "@std/assert";
import { fromFileUrl } from "@std/path";
import { Collector, type ExportedSpan } from "../support/collector.ts";
import { TestDirectory } from "../support/dir.ts";

const PROGRAM = fromFileUrl(new URL("../support/traced.ts", import.meta.url));

/** Starts the traced shop in Deno, whose own OpenTelemetry exports to a collector. */
function start({ env }: Collector, dir: string, mode: "send" | "work") {
  return new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-check", PROGRAM, dir, mode],
    env: { ...env, NO_COLOR: "1" },
    stderr: "inherit",
  }).spawn();
}

Deno.test("under Deno, a request, its change, its message and its handler in the next process are one trace", async () => {
  await using dir = new TestDirectory();
  await using collector = new Collector();
  const sender = start(collector, dir.path, "send");
  await collector.until(() =>
    collector.named("post").length > 0 && collector.named("order").length > 0
  );
  sender.kill("SIGKILL");
  await sender.status;
  const before = collector.spans.length;
  assertEquals(collector.named("process"), []);

  assert((await start(collector, dir.path, "work").status).success);
  const handled = collector.spans.slice(before);
  for (
    const [request, change, sent, queue, handler] of [
      ["order", "BATCH apply", "enqueue mails", "process mails", "mail"],
      [
        "post",
        "apply",
        `enqueue ${dir.path}/jobs`,
        `process ${dir.path}/jobs`,
        "count",
      ],
    ] as const
  ) {
    const [{ traceId, spanId }] = collector.named(request) as [ExportedSpan];
    const find = (name: string) => {
      const found = collector.spans.find((span) =>
        span.traceId === traceId &&
        (span.name === name || span.name.startsWith(`${name} `))
      );
      assert(found, `no ${name} in ${collector.spans.map(({ name }) => name)}`);
      return found!;
    };
    const enqueued = find(sent);
    assertEquals(enqueued.parentSpanId, spanId);
    find(change);
    const processed = find(queue);
    assert(handled.includes(processed));
    assertEquals(processed.parentSpanId, enqueued.spanId);
    assertEquals(processed.links.map((link) => link.spanId), [enqueued.spanId]);
    const own = find(handler);
    assertEquals(own.parentSpanId, processed.spanId);
    const { parentSpanId } = handled.find((span) =>
      span.parentSpanId === own.spanId && span.name.startsWith("apply ")
    )!;
    assertEquals(parentSpanId, own.spanId);
    assertEquals(find("ack").parentSpanId, processed.spanId);
  }
  for (
    const name of [
      "db.client.operation.duration",
      "messaging.client.operation.duration",
      "messaging.process.duration",
      "mini_state.commit.duration",
    ]
  ) assert(collector.metrics.has(name), name);
});
