import { AsyncLocalStorage } from "node:async_hooks";
import { channel } from "node:diagnostics_channel";
import { isPromise } from "../base/promise.ts";
import { Once } from "../base/telemetry/once.ts";
import { type Active, originOf, originOfShared } from "./active.ts";
import type { Guard } from "./guard.ts";
import type { Measure } from "./instruments.ts";
import { errorType, type Operation, type PointOperation } from "./operation.ts";
import { isValid } from "./trace_context.ts";
import type { SpanOptions, Tracer } from "./types.ts";

const KINDS = { internal: 0, client: 2, producer: 3, consumer: 4 } as const;

const FAILED = { code: 2 } as const;

/** Makes spans and metrics of what channels tell. */
export class Observer {
  readonly #tracer: Tracer | undefined;
  readonly #measure: Measure;
  readonly #guard: Guard;
  /** The operation that runs. A tracer makes a span active only for work that it calls itself. */
  readonly #current = new AsyncLocalStorage<Active | undefined>();
  /** The operations under way, by their message. */
  readonly #actives = new WeakMap<object, Active>();

  constructor(tracer: Tracer | undefined, measure: Measure, guard: Guard) {
    this.#tracer = tracer;
    this.#measure = measure;
    this.#guard = guard;
  }

  /** Listens to a tracing channel. Returns what ends that. */
  observe<M extends object>(operation: Operation<M>): () => void {
    const name = `tracing:${operation.info.channel}`;
    const start = channel(`${name}:start`);
    start.bindStore(
      this.#current,
      (message) => this.#guard.run(() => this.#begin(operation, message as M)),
    );
    const end = (message: M) =>
      void this.#guard.run(() => this.#end(operation, message));
    const stops = [
      listen(`${name}:asyncEnd`, end),
      listen(`${name}:end`, (message: M) => {
        // One that has thrown tells nothing more.
        if (operation.isSync?.(message) || "error" in message) end(message);
      }),
      () => start.unbindStore(this.#current),
    ];
    return () => stops.forEach((stop) => stop());
  }

  /** Listens to a channel. Returns what ends that. */
  observePoint<M extends object>(point: PointOperation<M>): () => void {
    const { metric, isOfCurrent } = point;
    const count = (message: M) => {
      this.#measure(metric, 1, point.attributes(message));
      const active = this.#current.getStore();
      if (isOfCurrent && active?.isOver === false) {
        active.span?.addEvent(metric);
      }
    };
    return listen(
      point.channel,
      (message: M) => void this.#guard.run(() => count(message)),
    );
  }

  #begin<M extends object>(operation: Operation<M>, message: M): Active {
    const outer = this.#current.getStore();
    const begun = operation.begin(message);
    const sharing = operation.sharedBy?.(message)
      .flatMap((one) => this.#actives.get(one) ?? []);
    const active: Active = {
      info: operation.info,
      begun,
      startMs: performance.now(),
      origin: sharing ? originOfShared(sharing) : originOf(begun, outer),
      isOver: false,
    };
    this.#actives.set(message, active);
    this.#guard.run(() => this.#start(operation, message, active));
    return active;
  }

  #start<M extends object>(
    operation: Operation<M>,
    message: M,
    active: Active,
  ): void {
    const { begun: { name }, origin } = active;
    if (operation.wrap) {
      operation.wrap(message, (run) => this.#around(active, run));
      return;
    }
    if (this.#tracer === undefined || origin === undefined) return;
    const options = optionsOf(active);
    const span = this.#tracer.startSpan(name, options, origin.parent);
    active.span = span;
    const context = span.spanContext();
    if (isValid(context)) operation.pass?.(message, context);
  }

  /** Calls the work of an operation in its span, once, whatever the tracer does. */
  #around<R>(active: Active, run: () => R): R {
    const work = new Once(run);
    this.#guard.run(() =>
      this.#tracer?.startActiveSpan(
        active.begun.name,
        optionsOf(active),
        active.origin!.parent!,
        (span) => {
          active.span = span;
          // Spans of the work's own are between this one and those of what it does.
          this.#current.run(undefined, work.run);
        },
      )
    );
    const note = (error: unknown) => void (active.failure = errorType(error));
    try {
      const value = work.result();
      if (isPromise(value)) value.then(undefined, note);
      return value;
    } catch (error) {
      note(error);
      throw error;
    }
  }

  #end<M extends object>(operation: Operation<M>, message: M): void {
    const active = this.#actives.get(message);
    if (active === undefined || active.isOver) return;
    active.isOver = true;
    const failure = failureOf(operation, message, active);
    const common = failure === undefined
      ? active.begun.common
      : { ...active.begun.common, "error.type": failure };
    const { info, span, startMs } = active;
    this.#guard.run(() => {
      const ms = performance.now() - startMs;
      this.#measure(info.duration, ms / 1_000, common);
      operation.measure?.(
        message,
        (metric, value) => this.#measure(metric, value, common),
      );
    });
    if (span === undefined) return;
    this.#guard.run(() => {
      if (failure !== undefined) {
        span.setAttributes({ "error.type": failure });
        span.setStatus(FAILED);
      }
      if ("error" in message) return;
      span.setAttributes(operation.end?.(message) ?? {});
      for (const context of operation.linksAtEnd?.(message) ?? []) {
        span.addLink?.({ context });
      }
    });
    span.end();
  }
}

/** The type of the error of an operation that is over, if it has failed. */
function failureOf<M extends object>(
  operation: Operation<M>,
  message: M,
  { failure }: Active,
): string | undefined {
  if ("error" in message) return errorType(message.error);
  const told = operation.failure?.(message);
  return told === undefined ? undefined : failure ?? told;
}

function optionsOf({ info, begun, origin }: Active): SpanOptions {
  return {
    kind: KINDS[info.kind],
    attributes: { ...begun.common, ...begun.own },
    links: origin!.links.map((context) => ({ context })),
  };
}

function listen<M>(name: string, on: (message: M) => unknown): () => void {
  const told = channel(name);
  const handler = (message: unknown) => void on(message as M);
  told.subscribe(handler);
  return () => told.unsubscribe(handler);
}
