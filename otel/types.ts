/** The parts of OpenTelemetry's interfaces that are used. Those of `@opentelemetry/api`, and of Deno, have them. */

/** A value of an attribute. */
export type AttributeValue = string | number | boolean;

/** The attributes of a span, an event or a measurement. */
export type Attributes = Record<string, AttributeValue>;

/** The identity of a span. */
export interface SpanContext {
  /** 32 hexadecimal digits. */
  traceId: string;
  /** 16 hexadecimal digits. */
  spanId: string;
  /** Bit 0: whether the trace is sampled. */
  traceFlags: number;
  /** Whether it came from elsewhere, as from the headers of a message. */
  isRemote?: boolean;
  /** The entries that tracing systems add to it. */
  traceState?: TraceState;
}

/** The entries of a `tracestate`. */
export interface TraceState {
  /** The value of an entry. */
  get(key: string): string | undefined;
  /** A copy with that entry in front. */
  set(key: string, value: string): TraceState;
  /** A copy without that entry. */
  unset(key: string): TraceState;
  /** The text for a header. */
  serialize(): string;
}

/** A connection to a span that is no parent. */
export interface Link {
  /** The span. */
  context: SpanContext;
}

/** The ways to start a span. */
export interface SpanOptions {
  /** 0 internal, 1 server, 2 client, 3 producer, 4 consumer. */
  kind?: number;
  /** The attributes that are known at its start. */
  attributes?: Attributes;
  /** The spans that caused it, beside its parent. */
  links?: Link[];
}

/** A span that can be written to. */
export interface Span {
  /** Its identity. */
  spanContext(): SpanContext;
  /** Adds attributes. */
  setAttributes(attributes: Attributes): unknown;
  /** Adds something that has happened now. */
  addEvent(name: string, attributes?: Attributes): unknown;
  /** Adds a link; left out by OpenTelemetry before 1.9. */
  addLink?(link: Link): unknown;
  /** Says how it went: 1 well, 2 badly. */
  setStatus(status: { code: number }): unknown;
  /** Ends it now. */
  end(): void;
}

/** Values that go with a piece of work. */
export interface Context {
  /** The value of a key. */
  getValue(key: symbol): unknown;
  /** A copy with that value. */
  setValue(key: symbol, value: unknown): Context;
  /** A copy without that key. */
  deleteValue(key: symbol): Context;
}

/** A maker of spans: `trace.getTracer(name)` of `@opentelemetry/api`. */
export interface Tracer {
  /** Starts a span, in the active context unless one is given. */
  startSpan(name: string, options?: SpanOptions, context?: Context): Span;
  /** Starts a span, and runs a function in which it is the active one. */
  startActiveSpan<R>(
    name: string,
    options: SpanOptions,
    context: Context,
    run: (span: Span) => R,
  ): R;
}

/** The description of an instrument. */
export interface MetricOptions {
  /** The meaning of a value. */
  description?: string;
  /** As in UCUM: `s`, `By`, `{message}`. */
  unit?: string;
  /** Which buckets would fit. */
  advice?: { explicitBucketBoundaries?: number[] };
}

/** A sum that only grows. */
export interface Counter {
  /** Adds to it. */
  add(value: number, attributes?: Attributes): void;
}

/** A distribution of values. */
export interface Histogram {
  /** Takes a value in. */
  record(value: number, attributes?: Attributes): void;
}

/** A maker of instruments: `metrics.getMeter(name)` of `@opentelemetry/api`. */
export interface Meter {
  /** Makes a counter. */
  createCounter(name: string, options?: MetricOptions): Counter;
  /** Makes a histogram. */
  createHistogram(name: string, options?: MetricOptions): Histogram;
}
