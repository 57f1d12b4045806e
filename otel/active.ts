import type { Begun } from "./operation.ts";
import type { SpanInfo } from "./registry.ts";
import { isValid, ROOT, within, withinRemote } from "./trace_context.ts";
import type { Context, Span, SpanContext } from "./types.ts";

/** An operation that has begun. */
export interface Active {
  readonly info: SpanInfo;
  readonly begun: Begun;
  readonly startMs: number;
  readonly origin: Origin | undefined;
  span?: Span;
  /** The type of the error of the work that it has wrapped. */
  failure?: string;
  isOver: boolean;
}

/** The parent and the links that a span is started with. */
export interface Origin {
  /** Left out: what is active for the tracer. */
  readonly parent?: Context;
  readonly links: readonly SpanContext[];
}

/** Whether what an operation does gets no spans, as the tracer gives none that counts. */
function isSilent({ origin, span }: Active): boolean {
  return origin === undefined ||
    span !== undefined && !isValid(span.spanContext());
}

/** The origin of a span within another operation, if there is one; `undefined` if it gets no span. */
export function originOf(
  { links = [], continues }: Begun,
  outer: Active | undefined,
): Origin | undefined {
  if (continues === "nothing") return { parent: ROOT, links };
  if (continues !== undefined) {
    return { parent: withinRemote(continues), links: [continues, ...links] };
  }
  if (outer === undefined) return { links };
  // What begins once an operation is over is no part of it, though it has set it off.
  if (outer.isOver) return { parent: ROOT, links };
  if (isSilent(outer)) return undefined;
  return outer.span ? { parent: within(outer.span), links } : { links };
}

/** The origin of a span that operations share: the only one is its parent, several are linked. */
export function originOfShared(
  sharing: readonly Active[],
): Origin | undefined {
  const loud = [...new Set(sharing)].filter((active) => !isSilent(active));
  if (loud.length === 0 && sharing.length > 0) return undefined;
  const spans = loud.flatMap(({ span }) => span ?? []);
  const [span] = spans;
  if (span !== undefined && spans.length === 1) {
    return { parent: within(span), links: [] };
  }
  return { parent: ROOT, links: spans.map((span) => span.spanContext()) };
}
