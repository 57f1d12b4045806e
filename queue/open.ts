import { assertOptions, having, modesOf } from "../base/checks.ts";
import { logIn, owning } from "../base/promise.ts";
import { absolutePath, systemFileSystem } from "../fs/system.ts";
import {
  type DeepReadonly,
  StateManager,
  type StateOptions,
} from "../state/mod.ts";
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

/** The directory of a queue, absolute; none if it is given a log and snapshots. */
export function directoryOf<T>(
  where: string | URL | QueueOptions<T>,
): { readonly directory?: string } {
  const isPath = typeof where === "string" || where instanceof URL;
  // It would be the current directory.
  if (where === "") {
    throw new TypeError("Cannot open a queue: the path is empty");
  }
  return isPath ? { directory: absolutePath(where) } : {};
}

/** Opens a ledger in a state of its own. */
export function openLedger<T>(
  where: string | URL | QueueOptions<T>,
  more: QueueOptions<T>,
): Promise<OpenLedger<T, LedgerEntry<T>>> {
  return owning(logIn(where, more), () => openOwn(where, more));
}

async function openOwn<T>(
  where: string | URL | QueueOptions<T>,
  more: QueueOptions<T>,
): Promise<OpenLedger<T, LedgerEntry<T>>> {
  const { dir, options } = placed(where, more);
  const checked = filledIn(options);
  const picked = new Set<number>();
  const policy = new CompactionPolicy();
  let open: StateManager<Ledger<T>, LedgerEntry<T>> | undefined;
  const manager = open = await openIn<T>(dir, {
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
    ...ofState(options),
  });
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
  if (!options.inbox || dir === undefined) {
    return { binding, options: checked, free, journalPath };
  }
  try {
    const inbox = await InboxFolder.open(
      options.fs ?? systemFileSystem,
      dir,
      modesOf(options).directoryMode,
    );
    return { binding, options: checked, free, journalPath, inbox };
  } catch (error) {
    await free().catch(() => {});
    throw error;
  }
}

/** Where a queue is kept, and its options, checked. */
function placed<T>(
  where: string | URL | QueueOptions<T>,
  more: QueueOptions<T>,
): { readonly dir: string | undefined; readonly options: QueueOptions<T> } {
  const { directory: dir } = directoryOf(where);
  const options = dir === undefined ? where as QueueOptions<T> : more;
  assertOptions("MiniQueue.open()", options, QUEUE_CHECKS);
  const { log, snapshots, inbox } = options;
  const given = [log, snapshots].filter((part) => part !== undefined);
  if (given.length !== (dir === undefined ? 2 : 0)) {
    throw new TypeError(
      "MiniQueue.open() needs a directory, or both log and snapshots",
    );
  }
  if (dir !== undefined || !inbox) return { dir, options };
  throw new TypeError("MiniQueue.open() needs a directory for an inbox");
}

/** The options of a queue that are those of its state. */
function ofState<T>(options: QueueOptions<T>): OfState<T> {
  const found = Object.entries(options)
    .filter(([name, value]) => OF_STATE.has(name) && value !== undefined);
  return Object.fromEntries(found) as OfState<T>;
}

type OfState<T> = Pick<
  QueueOptions<T>,
  | "keepSnapshots"
  | "maxSegmentBytes"
  | "mode"
  | "directoryMode"
  | "fs"
  | "log"
  | "snapshots"
>;

const OF_STATE: ReadonlySet<string> = new Set<keyof OfState<unknown>>([
  "keepSnapshots",
  "maxSegmentBytes",
  "mode",
  "directoryMode",
  "fs",
  "log",
  "snapshots",
]);

type LedgerState<T> = StateManager<Ledger<T>, LedgerEntry<T>>;

/** Opens the state of a queue, in a directory or on the log and the snapshots that its options have. */
function openIn<T>(
  dir: string | undefined,
  options: StateOptions<Ledger<T>, LedgerEntry<T>>,
): Promise<LedgerState<T>> {
  return dir === undefined
    ? StateManager.open(options as typeof options & OnLog<T>)
    : StateManager.open(dir, { ...options, kind: "queue" });
}

type OnLog<T> = Required<Pick<OfState<T>, "log" | "snapshots">>;

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
