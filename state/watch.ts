import { onAbort } from "../base/abort.ts";
import { withResolvers } from "../base/promise.ts";
import type { FollowOptions } from "../store/mod.ts";
import type { Applier } from "./applier.ts";
import type { AppliedMutation } from "./options.ts";
import { effectiveMutations, type RebuildSources } from "./rebuild.ts";

/**
 * Reads the mutations from record `from` on that have an effect, each once the
 * state has it. Ends when the state is closed. Throws why the state has failed,
 * after the last mutation that it has.
 */
export function watch<S, M>(
  sources: RebuildSources<S, M>,
  applier: Applier<S, M>,
  { from = applier.sequence + 1, signal }: FollowOptions,
): AsyncIterable<AppliedMutation<M>> {
  const stop = new AbortController();
  const records = sources.log.follow({ from, signal: stop.signal });
  const learn = sources.aborts.learning(from);
  let next = from;
  const check = () => {
    if (signal?.aborted) stop.abort(signal.reason);
    if (applier.failed.aborted && next > applier.sequence) {
      stop.abort(applier.failure);
    }
  };
  return checking(
    [signal, applier.failed],
    check,
    effectiveMutations(sources, records, async (seq) => {
      if (!await isApplied(applier, seq, signal)) return false;
      await learn(seq);
      next = seq + 1;
      check();
      return true;
    }),
  );
}

/** The same items; meanwhile calls `check` whenever a signal is aborted. */
async function* checking<T>(
  signals: readonly (AbortSignal | undefined)[],
  check: () => void,
  items: AsyncGenerator<T, void, undefined>,
): AsyncGenerator<T, void, undefined> {
  const letGo = signals.map((signal) => onAbort(signal, check));
  check();
  try {
    yield* items;
  } finally {
    for (const stop of letGo) stop();
  }
}

/** Resolves when the state has applied a record, to `false` if it never will. */
async function isApplied<S, M>(
  applier: Applier<S, M>,
  seq: number,
  signal: AbortSignal | undefined,
): Promise<boolean> {
  const aborted = withResolvers<void>();
  const letGo = onAbort(signal, aborted.resolve);
  try {
    while (applier.sequence < seq) {
      signal?.throwIfAborted();
      applier.failed.throwIfAborted();
      if (applier.isClosed) return false;
      await Promise.race([applier.changed, aborted.promise]);
    }
    return true;
  } finally {
    letGo();
  }
}
