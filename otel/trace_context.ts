import type { OutgoingMessage } from "../queue/mod.ts";
import type { Context, Span, SpanContext, TraceState } from "./types.ts";

/** The key under which OpenTelemetry keeps the span of a context: `createContextKey` uses `Symbol.for`. */
const SPAN_KEY = Symbol.for("OpenTelemetry Context Key SPAN");

const TRACE_PARENT =
  /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/;
const ALL_ZEROS = /^0+$/;

const MAX_MEMBERS = 32;
const MEMBER =
  /^([a-z0-9][a-z0-9_\-*/@]{0,255})=([\x20-\x2b\x2d-\x3c\x3e-\x7e]{0,255}[\x21-\x2b\x2d-\x3c\x3e-\x7e])$/;

/** Whether it names a span: that of a tracer that does nothing has zeros alone. */
export function isValid({ traceId, spanId }: SpanContext): boolean {
  return !ALL_ZEROS.test(traceId) && !ALL_ZEROS.test(spanId);
}

/** Reads the span that the headers of a message name; `undefined` for none, and for what W3C Trace Context does not allow. */
export function readHeaders(
  headers: Readonly<Record<string, string>> | undefined,
): SpanContext | undefined {
  const { traceparent, tracestate } = headers ?? {};
  const [, version, traceId, spanId, flags, more] =
    TRACE_PARENT.exec(traceparent ?? "") ?? [];
  if (version === undefined || version === "ff") return undefined;
  // A later version may have more fields.
  if (version === "00" && more !== undefined) return undefined;
  const found = {
    traceId: traceId!,
    spanId: spanId!,
    traceFlags: Number.parseInt(flags!, 16),
    isRemote: true,
  };
  if (!isValid(found)) return undefined;
  const traceState = readTraceState(tracestate ?? "");
  return traceState === undefined ? found : { ...found, traceState };
}

/** Writes what names a span into the headers of a message, unless a reader would ignore it. */
export function writeHeaders(
  { traceId, spanId, traceFlags, traceState }: SpanContext,
  message: Pick<OutgoingMessage, "headers" | "setHeader">,
): void {
  const flags = traceFlags.toString(16).padStart(2, "0");
  const traceparent = `00-${traceId}-${spanId}-${flags}`;
  if (readHeaders({ traceparent }) === undefined) return;
  message.setHeader("traceparent", traceparent);
  const state = traceState?.serialize() ?? "";
  // What is there without a traceparent is of no span.
  if (state || message.headers?.tracestate) {
    message.setHeader("tracestate", state);
  }
}

/** Reads a `tracestate`; `undefined` for an empty one, and for a wrong one as a whole. */
function readTraceState(text: string): TraceState | undefined {
  const members = text.split(",").map((member) => member.trim())
    .filter((member) => member !== "");
  const read = members.map((member) => MEMBER.exec(member));
  if (read.length === 0 || read.length > MAX_MEMBERS) return undefined;
  const entries = new Map<string, string>();
  for (const found of read) {
    if (found === null || entries.has(found[1]!)) return undefined;
    entries.set(found[1]!, found[2]!);
  }
  return new Members(entries);
}

/** A `tracestate` that was read. */
class Members implements TraceState {
  readonly #entries: ReadonlyMap<string, string>;

  constructor(entries: ReadonlyMap<string, string>) {
    this.#entries = entries;
  }

  get(key: string): string | undefined {
    return this.#entries.get(key);
  }

  set(key: string, value: string): TraceState {
    return new Members(new Map([[key, value], ...this.#without(key)]));
  }

  unset(key: string): TraceState {
    return new Members(this.#without(key));
  }

  #without(key: string): Map<string, string> {
    const rest = new Map(this.#entries);
    rest.delete(key);
    return rest;
  }

  serialize(): string {
    return [...this.#entries].slice(0, MAX_MEMBERS)
      .map((entry) => entry.join("=")).join(",");
  }
}

/** A context of a few values. */
class Values implements Context {
  readonly #values: readonly (readonly [key: symbol, value: unknown])[];

  constructor(values: readonly (readonly [key: symbol, value: unknown])[]) {
    this.#values = values;
  }

  getValue(key: symbol): unknown {
    return this.#values.find(([name]) => name === key)?.[1];
  }

  setValue(key: symbol, value: unknown): Context {
    return new Values([[key, value], ...this.#without(key)]);
  }

  deleteValue(key: symbol): Context {
    return new Values(this.#without(key));
  }

  #without(key: symbol) {
    return this.#values.filter(([name]) => name !== key);
  }
}

/** The context without a span: what starts in it begins a trace. */
export const ROOT: Context = new Values([]);

/** The context in which a span of this process is the parent. */
export function within(span: Span): Context {
  return ROOT.setValue(SPAN_KEY, span);
}

/** The context in which a span of elsewhere is the parent. */
export function withinRemote(context: SpanContext): Context {
  const self = () => span;
  const span = {
    spanContext: () => context,
    isRecording: () => false,
    setAttribute: self,
    setAttributes: self,
    addEvent: self,
    addLink: self,
    addLinks: self,
    setStatus: self,
    updateName: self,
    recordException: () => {},
    end: () => {},
  };
  return within(span);
}
