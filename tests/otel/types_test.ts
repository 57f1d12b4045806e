import type {
  Meter as ApiMeter,
  Tracer as ApiTracer,
} from "@opentelemetry/api";
import { assertThrows } from "@std/assert";
import { instrument, type InstrumentOptions } from "@mini/state/otel";

/** Fails the type check if OpenTelemetry's interfaces lack anything that is used. */
const _fromApi = (tracer: ApiTracer, meter: ApiMeter): InstrumentOptions => ({
  tracer,
  meter,
});

Deno.test("instrument() refuses what is no tracer and no meter", () => {
  for (
    const [options, text] of [
      [{}, "needs a tracer or a meter"],
      [undefined, "must be an object"],
      [{ tracer: null }, "tracer must be an object with startSpan() and"],
      [{ tracer: "jaeger" }, "tracer must be an object"],
      [{ tracer: { startSpan() {} } }, "startActiveSpan()"],
      [{ meter: {} }, "meter must be an object with createCounter() and"],
      [{ trace: {} }, 'has no option "trace"'],
      [{ onError: 1 }, "onError must be a function"],
    ] as const
  ) {
    assertThrows(
      () => instrument(options as InstrumentOptions),
      TypeError,
      text,
    );
  }
});
