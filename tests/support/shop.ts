import {
  applyToLedger,
  emptyLedger,
  type Ledger,
  type LedgerEntry,
} from "@mini/state/queue";
import { StateManager, type StateOptions } from "@mini/state/state";
import { MemoryFileSystem } from "@mini/state/testing";

/** An entry of the ledger in a state, in a record that may fail after it. */
export interface Change {
  readonly jobs: LedgerEntry<string>;
  readonly fail?: boolean;
}

/** A state that holds a queue. */
export interface Shop {
  readonly jobs: Ledger<string>;
}

/** A record that changes nothing, and has the state rebuilt. */
export const ABORTED: Change = { jobs: { at: 1, tick: true }, fail: true };

/** Opens a state that holds a queue; one that is immutable has another ledger after each record. */
export function openShop(
  fs: MemoryFileSystem = new MemoryFileSystem(),
  { immutable = false }: Pick<StateOptions<Shop, Change>, "immutable"> = {},
): Promise<StateManager<Shop, Change>> {
  return StateManager.open<Shop, Change>("/data", {
    fs,
    immutable,
    initial: () => ({ jobs: emptyLedger() }),
    apply({ jobs }, change) {
      const next = immutable ? structuredClone(jobs) : jobs;
      applyToLedger(next, change.jobs);
      if (change.fail) throw new Error("the rest of it fails");
      return { jobs: next };
    },
  });
}

/** The same state for a queue, without its past, or with one that cannot be read. */
export function withoutPast<S extends object>(
  shop: S,
  at?: () => Promise<never>,
): S {
  return new Proxy(shop, {
    get(target, name) {
      if (name === "at") return at;
      if (name === "history" && at === undefined) return undefined;
      const value = Reflect.get(target, name, target);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
}
