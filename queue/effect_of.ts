import type { Delivery } from "./delivery/leases.ts";
import { type Effect, observe } from "./ledger/effects.ts";
import type { Ledger } from "./ledger/ledger.ts";
import type { LedgerEvent, LedgerLog } from "./ledger_log.ts";

/** An effect that an entry may have on a message, and how to tell it where nobody has seen it: the state was rebuilt, or each record makes another one. */
interface Possible extends Pick<Effect, "type">, Pick<Delivery, "id"> {
  /** Tells it by the ledger before the entry. */
  readonly isDue: (before: Ledger) => boolean;
  /** Tells it by a ledger after the entry, unless that leaves it open. */
  readonly isSure?: (after: Ledger) => boolean | undefined;
  /** Whether to assume it where the past cannot be read. */
  readonly isLikely: boolean;
}

/** Logs an entry about a message, durably. Returns whether it had this effect. */
export async function hadEffect<T, M>(
  log: LedgerLog<T, M>,
  event: LedgerEvent<T>,
  { type, id, isDue, isSure = () => undefined, isLikely }: Possible,
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
    if (now === ledger) return false;
    const found = isSure(now) ??
      await log.past?.at(seq - 1).then(isDue).catch(() => undefined);
    return found ?? isLikely;
  } finally {
    letGo();
  }
}
