import { StateManager } from "../state/mod.ts";
import { assertOptions, having } from "../base/checks.ts";
import { ledgerCodec } from "./ledger/codec.ts";
import { QueueEngine } from "./engine.ts";
import type { LedgerEntry } from "./ledger/entry.ts";
import { checkVersion } from "./ledger/entry_check.ts";
import { Home, type LedgerHost } from "./ledger_log.ts";
import { applyLogged, emptyLedger, type Ledger } from "./ledger/ledger.ts";
import {
  DELIVERY_CHECKS,
  type DeliveryOptions,
  filledIn,
  QUEUE_CHECKS,
  type QueueOptions,
} from "./options.ts";
import { deadWeightOf, Weight } from "./ledger/compaction_policy.ts";

/** A queue of its own compacts its log no more often than after so much has happened to messages. */
const COMPACT_EVERY = 10_000;

/** A queue at work, and what else closes with it. */
export interface OpenQueue<T, M> {
  readonly engine: QueueEngine<T, M>;
  readonly free: () => Promise<void>;
}

/** Opens a queue with a state of its own. */
export async function openQueue<T>(
  dir: string | URL,
  options: QueueOptions<T>,
): Promise<OpenQueue<T, LedgerEntry<T>>> {
  assertOptions("MiniQueue.open()", options, QUEUE_CHECKS);
  const checked = filledIn(options);
  const { keepSnapshots, maxSegmentBytes, mode, directoryMode, fs } = options;
  const picked = new Set<number>();
  const weight = new Weight();
  let open: StateManager<Ledger<T>, LedgerEntry<T>> | undefined;
  const manager = open = await StateManager.open<Ledger<T>, LedgerEntry<T>>(
    dir,
    {
      kind: "queue",
      initial: emptyLedger,
      apply(ledger, entry) {
        applyLogged(ledger, entry);
        weight.add(entry);
      },
      codec: ledgerCodec(),
      snapshotEvery(ledger) {
        // Opening asks too, to see whether one is overdue.
        if (open === undefined) return Infinity;
        const limit = Math.max(COMPACT_EVERY, deadWeightOf(ledger, picked));
        if (!weight.isDue(limit)) return Infinity;
        weight.mark(open.sequence);
        return 1;
      },
      ...(keepSnapshots !== undefined && { keepSnapshots }),
      ...(maxSegmentBytes !== undefined && { maxSegmentBytes }),
      ...(mode !== undefined && { mode }),
      ...(directoryMode !== undefined && { directoryMode }),
      ...(fs && { fs }),
    },
  );
  try {
    const home = await Home.at<T, LedgerEntry<T>>({
      host: manager,
      find: () => manager.state as Ledger<T>,
      wrap: (entry) => entry,
      enterJson: manager.applyJson,
      picked,
      weight,
    }, checked.clock);
    // Taking back what was in flight may set off a snapshot, which leaves it to the log.
    const { total } = weight;
    const engine = new QueueEngine(home, checked);
    await engine.start();
    if (total >= await home.deadWeight()) {
      // What it would free is freed another time; the queue is whole without it.
      await engine.compact().catch(() => {});
    }
    return { engine, free: () => manager.close() };
  } catch (error) {
    await manager.close().catch(() => {});
    throw error;
  }
}

/** A state that has a ledger under a name. */
export type StateWith<K extends string> = { readonly [name in K]: Ledger };

/** A mutation of such a state that enters something into the ledger. */
export type EntryIn<K extends string, T> = {
  readonly [name in K]: LedgerEntry<T>;
};

/** What the messages of a ledger carry. */
export type PayloadOf<L> = L extends Ledger<infer T> ? T : never;

/** A place in a state where a queue is, or was. */
interface Claim {
  isTaken: boolean;
  readonly numbers: { next: number };
}

/** The places of queues, by the state they are in. */
const CLAIMS = new WeakMap<object, Map<string, Claim>>();

function claim(manager: object, name: string): Claim {
  const claims = CLAIMS.get(manager) ?? new Map<string, Claim>();
  CLAIMS.set(manager, claims);
  const found = claims.get(name) ?? { isTaken: false, numbers: { next: 1 } };
  if (found.isTaken) {
    throw new TypeError(`A queue is attached to "${name}" already`);
  }
  found.isTaken = true;
  claims.set(name, found);
  return found;
}

/** Where there is none, nothing that is waited for would make one. */
function ledgerIn<K extends string>(state: StateWith<K>, name: K): Ledger {
  const ledger: Ledger | undefined = state[name];
  if (ledger === undefined) {
    throw new TypeError(
      `The state has no ledger under "${name}": it is to come from emptyLedger(), in initial, and in migrate where snapshots are older than it`,
    );
  }
  checkVersion(ledger.v);
  return ledger;
}

/** Opens a queue in a state that somebody else has open. */
export async function attachQueue<S extends StateWith<K>, K extends string>(
  manager: LedgerHost<S, EntryIn<K, PayloadOf<S[K]>>>,
  name: K,
  options: DeliveryOptions<PayloadOf<S[K]>>,
): Promise<OpenQueue<PayloadOf<S[K]>, EntryIn<K, PayloadOf<S[K]>>>> {
  type T = PayloadOf<S[K]>;
  assertOptions("MiniQueue.attach()", options, DELIVERY_CHECKS);
  having("apply", "compact")("manager", manager);
  const checked = filledIn(options);
  const claimed = claim(manager, name);
  const free = () => Promise.resolve(void (claimed.isTaken = false));
  try {
    const home = await Home.at<T, EntryIn<K, T>>({
      host: manager,
      find: () => ledgerIn(manager.state as S, name) as Ledger<T>,
      wrap: (entry) => ({ [name]: entry }) as EntryIn<K, T>,
      numbers: claimed.numbers,
    }, checked.clock);
    const engine = new QueueEngine(home, checked);
    await engine.start();
    return { engine, free };
  } catch (error) {
    await free();
    throw error;
  }
}
