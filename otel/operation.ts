import { field, fieldText } from "../base/reason.ts";
import type { MetricName, SpanInfo } from "./registry.ts";
import type { Attributes, SpanContext } from "./types.ts";

/** Everything known of an operation when it starts. */
export interface Begun {
  /** The name of its span. */
  readonly name: string;
  /** The attributes of its span and of its metrics: few different values. */
  readonly common: Attributes;
  /** The attributes of its span alone. */
  readonly own?: Attributes;
  /** The spans that have caused it, beside its parent. */
  readonly links?: readonly SpanContext[];
  /** The span elsewhere that it continues. Left out, it continues what is active. */
  readonly continues?: SpanContext | "nothing";
}

/** How to make a span and metrics of the messages of a tracing channel. */
export interface Operation<M extends object> {
  readonly info: SpanInfo;
  /** Gives its name and its attributes when it starts. */
  begin(message: M): Begun;
  /** The messages of the operations that share it. */
  sharedBy?(message: M): readonly object[];
  /** Passes its span on, before anything is done. */
  pass?(message: M, context: SpanContext): void;
  /** Has its work called by a function, in which its span starts. */
  wrap?(message: M, around: <R>(run: () => R) => R): void;
  /** Whether it is over when its call returns. */
  isSync?(message: M): boolean;
  /** The attributes that its span gets if it succeeds. */
  end?(message: M): Attributes;
  /** The spans that it turns out to be linked with, if it succeeds. */
  linksAtEnd?(message: M): readonly SpanContext[];
  /** How it failed, if it succeeds in telling so. */
  failure?(message: M): string | undefined;
  /** Measures more than its duration. */
  measure?(
    message: M,
    record: (metric: MetricName, value: number) => void,
  ): void;
}

/** How to count what a channel tells. */
export interface PointOperation<M extends object> {
  readonly channel: string;
  readonly metric: MetricName;
  attributes(message: M): Attributes;
  /** Whether it happens to the operation that runs: its span gets an event. */
  readonly isOfCurrent: boolean;
}

/** A code or a name, as programs have them: not a text, which may hold data. */
const WORD = /^[\w.:-]{1,64}$/;

/** The code of an error, or else its name, or else `_OTHER`. Never its text. */
export function errorType(error: unknown): string {
  // As in `messageOf`, an error may come from another realm.
  const isError = typeof field(error, "message") === "string";
  const words = isError ? ["code", "name"] : [];
  return words.flatMap((name) => fieldText(error, name) ?? [])
    .find((word) => WORD.test(word)) ?? "_OTHER";
}

/** Where a log, a state or a queue lies: the directory, or the file of a log that has a name of its own. */
export function placeOf(path: string): string {
  return path.replace(/[\\/]journal\.jsonl$/, "");
}
