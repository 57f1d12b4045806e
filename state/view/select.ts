import { aFunction, aSignal, assertOptions } from "../../base/checks.ts";
import { toJson } from "../../base/json.ts";
import { given } from "../../base/promise.ts";
import type { FollowOptions } from "../../store/mod.ts";
import type { DeepReadonly } from "./readonly.ts";
import type { Guard } from "../reducer.ts";
import { either, type Feed } from "./feed.ts";

/**
 * Reads the selected part of a state, now and whenever it has changed; a slow
 * reader gets the newest. Ends when the state is closed. Throws why the state
 * has failed, after the last part that it has.
 */
export function select<S, R>(
  feed: Feed<S>,
  selector: (state: DeepReadonly<S>) => R,
  options: Pick<FollowOptions, "signal">,
  sources: Sources,
): AsyncIterable<R> {
  aFunction("selector", selector);
  assertOptions("select()", options, { signal: aSignal });
  return parts(feed, selector, options.signal, sources);
}

/** The parts of a state that reading it needs. */
interface Sources {
  readonly guard: Guard;
  readonly reducer: { readonly immutable?: boolean | "checked" | undefined };
}

async function* parts<S, R>(
  feed: Feed<S>,
  selector: (state: DeepReadonly<S>) => R,
  signal: AbortSignal | undefined,
  { guard, reducer: { immutable } }: Sources,
): AsyncGenerator<R, void, undefined> {
  const isNew = immutable ? byIdentity<R>() : byJson<R>();
  for (;;) {
    signal?.throwIfAborted();
    // Both are asked for before the state, so that no change goes unseen.
    const { changed, isClosed, failed: { aborted: hasFailed } } = feed;
    if (feed.isReadable) {
      const state = feed.state as DeepReadonly<S>;
      const part = given("selector", guard.run(() => selector(state)), true);
      const found = isNew(part);
      if (found !== undefined) yield found.part;
    }
    if (hasFailed) throw feed.failed.reason;
    if (isClosed) return;
    await either(changed, signal);
  }
}

/** Returns a part if it is not the one of the call before. */
type Compare<R> = (part: R) => { readonly part: R } | undefined;

function byIdentity<R>(): Compare<R> {
  let last: { readonly part: R } | undefined;
  return (part) =>
    last !== undefined && Object.is(last.part, part)
      ? undefined
      : last = { part };
}

/** The state may change the part later, so that the reader gets a copy. */
function byJson<R>(): Compare<R> {
  let last: string | undefined;
  return (part) => {
    // What is not there yet is a part too.
    const text = part === undefined ? "" : toJson(part, Infinity);
    if (text === last) return undefined;
    last = text;
    return { part: text === "" ? part : JSON.parse(text) };
  };
}
