import { FakeMeter, FakeTracer } from "../support/telemetry.ts";
import type { Library } from "./library.ts";
import { equal, ok, type Suite } from "./suite.ts";

/** Spans are made of what is told, and go where `await` goes. */
export async function checkOtel(
  suite: Suite,
  { queue: { MiniQueue }, otel: { instrument } }: Library,
): Promise<void> {
  await suite.check(
    "otel: a handler is in the trace of the request",
    async (dir) => {
      const [tracer, meter] = [new FakeTracer(), new FakeMeter()];
      const instrumented = instrument({ tracer, meter });
      const queue = await MiniQueue.open<string>(dir, { maxAttempts: 1 });
      await tracer.within("request", () => queue.enqueue("a"));
      await queue.work(async () => {
        await Promise.resolve();
        await tracer.within(
          "handler",
          () => queue.enqueue("b", { delayMs: 60_000 }),
        );
      }, { until: "empty" });
      instrumented[Symbol.dispose]();
      await queue.close();
      equal(
        tracer.tree().slice(0, 13).map((line) => line.replace(dir, "DIR")),
        [
          "open DIR (client)",
          "  open DIR (client)",
          "    open DIR (client)",
          "request (internal)",
          "  enqueue DIR (producer)",
          "    apply DIR (client)",
          "      commit DIR (internal)",
          "    process DIR (consumer)",
          "      handler (internal)",
          "        enqueue DIR (producer)",
          "          apply DIR (client)",
          "            commit DIR (internal)",
          "      ack DIR (client)",
        ],
      );
      ok(
        tracer.spans.every(({ ends }) => ends === 1),
        "each span has ended once",
      );
      equal(meter.of("messaging.process.duration").length, 1);
    },
  );
}
