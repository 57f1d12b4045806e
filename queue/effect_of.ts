import type { Delivery } from "./delivery/leases.ts";
import { type Effect, observe } from "./ledger/effects.ts";
import type { Ledger } from "./ledger/ledger.ts";
import type { LedgerEvent, LedgerLog } from "./ledger_log.ts";

/**
 * Logs an entry about a message, durably. Returns whether it had an effect of
 * this type.
 *
 * @param guess Tells it by the ledger, if the state was rebuilt in the meantime.
 */
export async function hadEffect<T, M>(
  log: LedgerLog<T, M>,
  event: LedgerEvent<T>,
  { type, id }: Pick<Effect, "type"> & Pick<Delivery, "id">,
  guess: (ledger: Ledger<T>) => boolean,
): Promise<boolean> {
  const ledger = await log.readable();
  /** The numbers of the records before those with such an effect. */
  const before = new Set<number>();
  const letGo = observe(ledger, (effect) => {
    const isIt = effect.type === type && effect.message.id === id;
    if (isIt) before.add(log.sequence);
  });
  try {
    const seq = await log.enter(event, true);
    if (before.has(seq - 1)) return true;
    const now = await log.readable();
    return now !== ledger && guess(now);
  } finally {
    letGo();
  }
}
