import { aFunction, assertOptions, type Check } from "../base/checks.ts";
import { Guard } from "./guard.ts";
import { instrumentsOf } from "./instruments.ts";
import { Observer } from "./observer.ts";
import { DATABASE_OPERATIONS } from "./operations/database.ts";
import { MESSAGING_OPERATIONS } from "./operations/messaging.ts";
import { POINTS } from "./operations/points.ts";
import type { Meter, Tracer } from "./types.ts";

/** The receivers of spans and metrics: one of them, or both. */
export interface InstrumentOptions {
  /** Makes the spans. @default {there are none} */
  readonly tracer?: Tracer;
  /** Makes the metrics. @default {there are none} */
  readonly meter?: Meter;
  /**
   * Told of the first error that the tracer or the meter throws. None disturbs
   * the program.
   *
   * @default {they are ignored}
   */
  readonly onError?: (error: unknown) => void;
}

/**
 * Makes OpenTelemetry spans and metrics of everything that logs, states and queues
 * of this process do, until it is disposed of.
 *
 * A span's parent is the span that is active where the operation is called. A
 * message that is enqueued carries its span in the headers `traceparent` and
 * `tracestate`, unless its producer has set `traceparent`; a handler of `work` runs in a
 * span that continues that trace, in whichever process, however much later. A
 * commit is a child of the operation that waits for it; of several, each is
 * linked. What an operation has set off, and begins when it is over, begins a trace.
 *
 * No span and no metric holds data: paths, names of queues, numbers and codes of
 * errors are all there is. {@linkcode SPANS} and {@linkcode METRICS} list them.
 *
 * @param options Where they go. The interfaces are those of `@opentelemetry/api`,
 * by their shape: this package does not import it.
 * @returns Ends it when it is disposed of. What is under way then has no span.
 * @throws {TypeError} If there is neither a tracer nor a meter, or what is given is none.
 *
 * @example See what a log does
 * ```ts
 * import { instrument, type Span } from "@mini/state/otel";
 * import { MiniStore } from "@mini/state/store";
 * import { assertEquals } from "@std/assert";
 *
 * const spans: string[] = [];
 * const span: Span = {
 *   spanContext: () => ({
 *     traceId: "0af7651916cd43dd8448eb211c80319c",
 *     spanId: "b7ad6b7169203331",
 *     traceFlags: 1,
 *   }),
 *   setAttributes: () => {},
 *   addEvent: () => {},
 *   setStatus: () => {},
 *   end: () => {},
 * };
 * // In a program: trace.getTracer("my-program") of @opentelemetry/api.
 * using _ = instrument({
 *   tracer: {
 *     startSpan: (name) => (spans.push(name), span),
 *     startActiveSpan: (_name, _options, _context, run) => run(span),
 *   },
 * });
 * const dir = await Deno.makeTempDir();
 * await using store = await MiniStore.open<string>(`${dir}/journal.jsonl`);
 * await store.append("hello");
 * const operations = spans.map((name) => name.split(" ")[0]);
 * assertEquals(operations, ["open", "append", "commit"]);
 * ```
 */
export function instrument(options: InstrumentOptions): Disposable {
  assertOptions("instrument()", options, {
    tracer: withMethods("startSpan", "startActiveSpan"),
    meter: withMethods("createCounter", "createHistogram"),
    onError: aFunction,
  });
  const { tracer, meter, onError } = options;
  if (tracer === undefined && meter === undefined) {
    throw new TypeError("instrument() needs a tracer or a meter, or both");
  }
  const guard = new Guard(onError);
  const measure = guard.run(() => instrumentsOf(meter)) ?? (() => {});
  const observer = new Observer(tracer, measure, guard);
  const stops = [
    ...[...DATABASE_OPERATIONS, ...MESSAGING_OPERATIONS]
      .map((operation) => observer.observe(operation)),
    ...POINTS.map((point) => observer.observePoint(point)),
  ];
  return {
    [Symbol.dispose]: () => stops.splice(0).forEach((stop) => stop()),
  };
}

/** Checks for an object with these methods. */
function withMethods(...methods: readonly string[]): Check {
  return (name, value) => {
    const has = (method: string) =>
      typeof (value as Record<string, unknown>)[method] === "function";
    if (typeof value === "object" && value !== null && methods.every(has)) {
      return;
    }
    throw new TypeError(
      `${name} must be an object with ${methods.join("() and ")}()`,
    );
  };
}
