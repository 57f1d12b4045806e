import { onAbort } from "../../base/abort.ts";
import type { FollowOptions, LogReader } from "../../store/mod.ts";
import { type AppliedMutation, checkWatch } from "../options.ts";
import { effectiveMutations, type EntrySources } from "../rebuild.ts";
import { type Feed, isApplied } from "./feed.ts";

/**
 * Reads the mutations from record `from` on that have an effect, each once the
 * state has it. Ends when the state is closed. Throws why the state has failed,
 * after the last mutation that it has.
 */
export function watch<M>(
  sources: EntrySources<M> & { readonly log: LogReader<unknown> },
  feed: Feed<unknown>,
  options: Pick<FollowOptions, "from" | "signal">,
): AsyncIterable<AppliedMutation<M>> {
  checkWatch(options);
  const { from = feed.sequence + 1, signal } = options;
  const stop = new AbortController();
  const records = sources.log.follow({ from, signal: stop.signal });
  const learn = sources.aborts.learning(from);
  let next = from;
  const check = () => {
    if (signal?.aborted) stop.abort(signal.reason);
    if (feed.failed.aborted && next > feed.sequence) {
      stop.abort(feed.failed.reason);
    }
  };
  return checking(
    [signal, feed.failed],
    check,
    effectiveMutations(sources, records, async (seq) => {
      if (!await isApplied(feed, seq, signal)) return false;
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
