import { AsyncLocalStorage } from "node:async_hooks";
import type {
  Attributes,
  Context,
  Counter,
  Histogram,
  Link,
  Meter,
  MetricOptions,
  Span,
  SpanContext,
  SpanOptions,
  Tracer,
} from "@mini/state/otel";

const SPAN_KEY = Symbol.for("OpenTelemetry Context Key SPAN");

/** The kinds of spans by their numbers. */
const KINDS = ["internal", "server", "client", "producer", "consumer"];

/** A span that a `FakeTracer` has made. */
export class FakeSpan implements Span {
  readonly kind: string;
  readonly attributes: Attributes;
  readonly links: Link[];
  readonly events: string[] = [];
  status = 0;
  ends = 0;

  constructor(
    readonly name: string,
    readonly context: SpanContext,
    readonly parentId: string | undefined,
    { kind = 0, attributes = {}, links = [] }: SpanOptions,
  ) {
    this.kind = KINDS[kind]!;
    this.attributes = { ...attributes };
    this.links = [...links];
  }

  spanContext(): SpanContext {
    return this.context;
  }

  setAttributes(attributes: Attributes): void {
    Object.assign(this.attributes, attributes);
  }

  addEvent(name: string): void {
    this.events.push(name);
  }

  addLink(link: Link): void {
    this.links.push(link);
  }

  setStatus({ code }: { code: number }): void {
    this.status = code;
  }

  end(): void {
    this.ends++;
  }
}

/** A tracer that keeps its spans, with small numbers as ids. Its active span goes where `await` goes. */
export class FakeTracer implements Tracer {
  readonly spans: FakeSpan[] = [];
  readonly #active = new AsyncLocalStorage<Span | undefined>();
  #ids = 0;
  /** Whether spans have the identity of those of a tracer that does nothing. */
  isOff = false;

  get active(): Span | undefined {
    return this.#active.getStore();
  }

  startSpan(name: string, options: SpanOptions = {}, context?: Context): Span {
    const parent =
      (context === undefined ? this.active : context.getValue(SPAN_KEY)) as
        | Span
        | undefined;
    const found = parent?.spanContext();
    const span = new FakeSpan(
      name,
      {
        traceId: found?.traceId ?? this.#id(32),
        spanId: this.#id(16),
        traceFlags: 1,
        ...found?.traceState && { traceState: found.traceState },
      },
      found?.spanId,
      options,
    );
    this.spans.push(span);
    return span;
  }

  startActiveSpan<R>(
    name: string,
    options: SpanOptions,
    context: Context | undefined,
    run: (span: Span) => R,
  ): R {
    const span = this.startSpan(name, options, context);
    return this.#active.run(span, () => run(span));
  }

  /** Runs a task in a span of the program. */
  async within<R>(name: string, run: () => Promise<R>): Promise<R> {
    return await this.startActiveSpan(name, {}, undefined, async (span) => {
      try {
        return await run();
      } finally {
        span.end();
      }
    });
  }

  #id(digits: number): string {
    const id = this.isOff ? 0 : ++this.#ids;
    return id.toString(16).padStart(digits, "0");
  }

  /** The spans with a name, or one that begins so. */
  named(name: string): FakeSpan[] {
    return this.spans.filter((span) =>
      span.name === name || span.name.startsWith(`${name} `)
    );
  }

  /** Each span by its name and kind, under its parent. */
  tree(): string[] {
    const ids = new Set(this.spans.map(({ context }) => context.spanId));
    const under = (parent: string | undefined, indent: string): string[] =>
      this.spans
        .filter(({ parentId: id }) =>
          (id && ids.has(id) ? id : undefined) === parent
        )
        .flatMap(({ name, kind, context }) => [
          `${indent}${name} (${kind})`,
          ...under(context.spanId, `${indent}  `),
        ]);
    return under(undefined, "");
  }
}

/** A value that was taken in. */
export interface Measured {
  readonly name: string;
  readonly value: number;
  readonly attributes: Attributes | undefined;
}

/** A meter that keeps its values. */
export class FakeMeter implements Meter {
  readonly options: Record<string, MetricOptions & { kind: string }> = {};
  readonly values: Measured[] = [];

  createCounter(name: string, options: MetricOptions): Counter {
    return { add: this.#make("counter", name, options) };
  }

  createHistogram(name: string, options: MetricOptions): Histogram {
    return { record: this.#make("histogram", name, options) };
  }

  #make(kind: string, name: string, options: MetricOptions) {
    this.options[name] = { kind, ...options };
    return (value: number, attributes?: Attributes) =>
      void this.values.push({ name, value, attributes });
  }

  /** The values of a metric. */
  of(name: string): Measured[] {
    return this.values.filter((value) => value.name === name);
  }
}
