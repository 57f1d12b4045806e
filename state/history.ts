import type { LogRecord } from "../store/mod.ts";
import { entryOf, mutationsOf } from "./entry.ts";
import type { AppliedMutation } from "./options.ts";
import type { Sources } from "./rebuild.ts";

/**
 * The mutations in records, without those that have no effect.
 *
 * @param isTaken Resolves when it is known whether record `seq` has an effect;
 * to `false` where it never will be.
 */
export async function* effects<S, M>(
  { reducer, isBare, aborts }: Sources<S, M>,
  records: AsyncIterable<LogRecord<unknown>>,
  isTaken: (seq: number) => Promise<boolean>,
): AsyncGenerator<AppliedMutation<M>, void, undefined> {
  for await (const { seq, data } of records) {
    if (!await isTaken(seq)) return;
    if (aborts.has(seq)) continue;
    const entry = entryOf(data, seq, isBare);
    for (const mutation of mutationsOf<M>(entry, seq, reducer)) {
      yield { seq, mutation };
    }
  }
}
