import type { Attributes } from "@mini/state/otel";

/** A value as OTLP writes it in JSON. */
type OtlpValue = Readonly<Record<string, string | number | boolean>>;

interface OtlpAttribute {
  readonly key: string;
  readonly value: OtlpValue;
}

interface OtlpSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId: string;
  readonly name: string;
  readonly attributes: readonly OtlpAttribute[];
  readonly links: readonly { readonly spanId: string }[];
}

/** A span that was exported. */
export interface ExportedSpan extends Omit<OtlpSpan, "attributes"> {
  readonly attributes: Attributes;
}

/** Takes what programs export by OTLP, on a port of 127.0.0.1. */
export class Collector implements AsyncDisposable {
  readonly spans: ExportedSpan[] = [];
  /** The names of the metrics. */
  readonly metrics: Set<string> = new Set();
  readonly #server: Deno.HttpServer<Deno.NetAddr>;
  #arrived = Promise.withResolvers<void>();

  constructor() {
    const listen = { hostname: "127.0.0.1", port: 0, onListen() {} };
    this.#server = Deno.serve(listen, async (request) => {
      this.#take(await request.json());
      this.#arrived.resolve();
      this.#arrived = Promise.withResolvers();
      return Response.json({});
    });
  }

  /** The environment in which Deno exports to it, soon. */
  get env(): Record<string, string> {
    return {
      OTEL_DENO: "true",
      OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${this.#server.addr.port}`,
      OTEL_EXPORTER_OTLP_PROTOCOL: "http/json",
      OTEL_BSP_SCHEDULE_DELAY: "50",
      OTEL_METRIC_EXPORT_INTERVAL: "100",
    };
  }

  // deno-lint-ignore no-explicit-any -- the shape of OTLP is not checked
  #take({ resourceSpans = [], resourceMetrics = [] }: any): void {
    for (const { scopeSpans } of resourceSpans) {
      for (const { spans } of scopeSpans) this.spans.push(...spans.map(spanOf));
    }
    for (const { scopeMetrics } of resourceMetrics) {
      for (const { metrics } of scopeMetrics) {
        for (const { name } of metrics) this.metrics.add(name);
      }
    }
  }

  /** The spans whose name is that one, or begins so. */
  named(name: string): ExportedSpan[] {
    return this.spans.filter((span) =>
      span.name === name || span.name.startsWith(`${name} `)
    );
  }

  /** Waits until something is true of what has arrived. */
  async until(isTrue: () => boolean): Promise<void> {
    while (!isTrue()) await this.#arrived.promise;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server.shutdown();
  }
}

function spanOf({ attributes, ...span }: OtlpSpan): ExportedSpan {
  const read = attributes.map((
    { key, value },
  ) => [key, Object.values(value)[0]!]);
  return { ...span, attributes: Object.fromEntries(read) };
}
