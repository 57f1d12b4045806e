import { assertOptions, having, modesOf } from "../base/checks.ts";
import { absolutePath, systemFileSystem } from "../fs/system.ts";
import { type DeepReadonly, StateManager } from "../state/mod.ts";
import { pastOf } from "./events/past.ts";
import { InboxFolder } from "./inbox/folder.ts";
import { ledgerCodec } from "./ledger/codec.ts";
import {
  CompactionPolicy,
  garbageThreshold,
} from "./ledger/compaction_policy.ts";
import type { LedgerEntry } from "./ledger/entry.ts";
import { checkVersion } from "./ledger/entry_check.ts";
import { emptyLedger, type Ledger } from "./ledger/ledger.ts";
import { applyLogged } from "./ledger/reducer.ts";
import type { LedgerHost } from "./ledger_host.ts";
import type { LedgerBinding } from "./ledger_log.ts";
import {
  type CheckedOptions,
  DELIVERY_CHECKS,
  type DeliveryOptions,
  filledIn,
  QUEUE_CHECKS,
  type QueueOptions,
} from "./options.ts";
import { toldQueue } from "./telemetry/told.ts";

/** Fewer changes than this are no reason for an automatic snapshot. */
const MIN_CHANGES = 10_000;

/** A ledger that a queue may use, until it calls `free`. */
export interface OpenLedger<T, M> {
  readonly binding: LedgerBinding<T, M>;
  readonly options: CheckedOptions<T>;
  readonly free: () => Promise<void>;
  readonly journalPath: string | undefined;
  readonly inbox?: InboxFolder;
}

/** Opens a ledger in a state of its own. */
export async function openLedger<T>(
  dir: string | URL,
  options: QueueOptions<T>,
): Promise<OpenLedger<T, LedgerEntry<T>>> {
  assertOptions("MiniQueue.open()", options, QUEUE_CHECKS);
  const checked = filledIn(options);
  const { keepSnapshots, maxSegmentBytes, mode, directoryMode, fs } = options;
  const picked = new Set<number>();
  const policy = new CompactionPolicy();
  let open: StateManager<Ledger<T>, LedgerEntry<T>> | undefined;
  const manager = open = await StateManager.open<Ledger<T>, LedgerEntry<T>>(
    dir,
    {
      kind: "queue",
      initial: emptyLedger,
      apply(ledger, entry) {
        applyLogged(ledger, entry);
        policy.add(entry);
      },
      codec: ledgerCodec(),
      snapshotEvery(ledger) {
        // Opening asks too, to see whether a snapshot is overdue.
        if (open === undefined) return Infinity;
        const threshold = garbageThreshold(ledger, picked);
        if (!policy.isDue(Math.max(MIN_CHANGES, threshold))) return Infinity;
        policy.mark(open.sequence);
        return 1;
      },
      // A ledger has no use for its past.
      retain: { records: 0 },
      ...(keepSnapshots !== undefined && { keepSnapshots }),
      ...(maxSegmentBytes !== undefined && { maxSegmentBytes }),
      ...(mode !== undefined && { mode }),
      ...(directoryMode !== undefined && { directoryMode }),
      ...(fs && { fs }),
    },
  );
  const binding = {
    host: manager,
    find: () => manager.state as Ledger<T>,
    wrap: (entry: LedgerEntry<T>) => entry,
    applyJson: manager.applyJson,
    picked,
    policy,
    about: toldQueue(manager),
    past: pastOf(
      manager,
      (ledger) => ledger,
      (mutation) => mutation as LedgerEntry<T>,
    ),
  };
  const free = () => manager.close();
  const { journalPath } = manager;
  if (!options.inbox) return { binding, options: checked, free, journalPath };
  try {
    const inbox = await InboxFolder.open(
      fs ?? systemFileSystem,
      absolutePath(dir),
      modesOf(options).directoryMode,
    );
    return { binding, options: checked, free, journalPath, inbox };
  } catch (error) {
    await free().catch(() => {});
    throw error;
  }
}

/** A state that holds a ledger under a name. */
export type StateWith<K extends string> = {
  readonly [name in K]: DeepReadonly<Ledger>;
};

/** A mutation of such a state that applies an entry to the ledger. */
export type EntryIn<K extends string, T> = {
  readonly [name in K]: LedgerEntry<T>;
};

/** The payload of the entries that the mutations `M` of a state apply to the ledger under `K`. */
export type PayloadOf<M, K extends string> = M extends EntryIn<K, infer T> ? T
  : never;

/** The use of a ledger by queues. */
interface Claim {
  isTaken: boolean;
  readonly ids: { next: number };
}

/** The claims on the ledgers of each state, by name. */
const CLAIMS = new WeakMap<object, Map<string, Claim>>();

function claim(host: object, name: string): Claim {
  const claims = CLAIMS.get(host) ?? new Map<string, Claim>();
  CLAIMS.set(host, claims);
  const found = claims.get(name) ?? { isTaken: false, ids: { next: 1 } };
  if (found.isTaken) {
    throw new TypeError(`A queue is already attached to "${name}"`);
  }
  found.isTaken = true;
  claims.set(name, found);
  return found;
}

function ledgerIn<K extends string>(
  state: StateWith<K>,
  name: K,
): DeepReadonly<Ledger> {
  const ledger: DeepReadonly<Ledger> | undefined = state[name];
  // Waiting would not help: nothing adds one later.
  if (ledger === undefined) {
    throw new TypeError(
      `The state has no ledger under "${name}": create it with emptyLedger() in initial, and in migrate if snapshots are older than the ledger`,
    );
  }
  checkVersion(ledger.v);
  return ledger;
}

/** Claims a ledger in a state that the caller has open. */
export function claimLedger<K extends string, T>(
  host:
    & Pick<
      LedgerHost<StateWith<K>, unknown>,
      "state" | "at" | "history" | "journalPath" | "logId"
    >
    & LedgerBinding<T, EntryIn<K, T>>["host"],
  name: K,
  options: DeliveryOptions<T>,
): OpenLedger<T, EntryIn<K, T>> {
  assertOptions("MiniQueue.attach()", options, DELIVERY_CHECKS);
  having("apply", "compact")("manager", host);
  const checked = filledIn(options);
  const claimed = claim(host, name);
  const binding = {
    host,
    find: () => ledgerIn(host.state, name) as Ledger<T>,
    wrap: (entry: LedgerEntry<T>) => ({ [name]: entry }) as EntryIn<K, T>,
    ids: claimed.ids,
    about: toldQueue(host, name),
    past: pastOf(
      host,
      (state: StateWith<K>) => ledgerIn(state, name) as Ledger<T>,
      (mutation) => Object(mutation)[name] as LedgerEntry<T> | undefined,
    ),
  };
  const free = () => Promise.resolve(void (claimed.isTaken = false));
  const { journalPath } = host;
  return { binding, options: checked, free, journalPath };
}
