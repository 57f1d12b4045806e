import type { QueueMetrics } from "../queue/mod.ts";
import type { StateMetrics } from "../state/mod.ts";
import type { Histogram, StoreMetrics } from "../store/mod.ts";

/** A family of samples. */
export interface Family {
  /** The name after `mini_state_<kind>_`. */
  readonly name: string;
  readonly help: string;
  readonly type: "counter" | "gauge" | "histogram";
  /** The number that a value is divided by: 1,000 of milliseconds, as samples are in seconds. */
  readonly per: number;
}

/** A family for each number of the metrics of a kind: a new one without a family fails the type check. */
type Families<M> = {
  readonly [K in Exclude<keyof M, "kind">]-?: Exclude<M[K], undefined> extends
    Histogram ? Family & { readonly type: "histogram" }
    : Family & { readonly type: "counter" | "gauge" };
};

const counter = (name: string, help: string) =>
  ({ name: `${name}_total`, help, type: "counter", per: 1 }) as const;
const gauge = (name: string, help: string) =>
  ({ name, help, type: "gauge", per: 1 }) as const;
const seconds = (name: string, help: string) =>
  ({ name: `${name}_seconds`, help, type: "gauge", per: 1_000 }) as const;
const durations = (name: string, help: string) =>
  ({ name: `${name}_seconds`, help, type: "histogram", per: 1_000 }) as const;
const counts = (name: string, help: string) =>
  ({ name, help, type: "histogram", per: 1 }) as const;

const STORE: Families<StoreMetrics> = {
  records: counter("records", "Records that were acknowledged."),
  bytes: counter("written_bytes", "Bytes that were written for them."),
  waiting: gauge("waiting", "Appends that wait to be acknowledged."),
  failures: counter("failures", "Commits that failed, with all their appends."),
  rotations: counter("rotations", "Segments that were sealed."),
  openMs: seconds("open", "How long opening took."),
  commitMs: durations(
    "commit",
    "How long each commit took, from its first byte to its acknowledgement.",
  ),
  syncMs: durations("sync", "How long the fsync of each durable commit took."),
  callers: counts("commit_callers", "How many callers shared each commit."),
};

const STATE: Families<StateMetrics> = {
  records: counter("records", "Records that were applied."),
  aborted: counter("aborted", "Records that were aborted."),
  waiting: gauge(
    "waiting",
    "Records that are being logged, or wait to be applied.",
  ),
  openMs: seconds("open", "How long opening took."),
  replayed: gauge("replayed", "Records that opening has replayed."),
  snapshotFailures: counter(
    "snapshot_failures",
    "Automatic snapshots and compactions that failed.",
  ),
  snapshotMs: durations("snapshot", "How long each snapshot took."),
};

const QUEUE: Families<QueueMetrics> = {
  enqueued: counter("enqueued", "Messages that were enqueued."),
  delivered: counter("delivered", "Deliveries."),
  acked: counter("acked", "Messages that were acknowledged."),
  retried: counter(
    "retried",
    "Deliveries after which the message waited again.",
  ),
  dead: counter("dead", "Messages that became dead letters."),
  cancelled: counter(
    "cancelled",
    "Messages that were cancelled, or purged before they had ended.",
  ),
  redriven: counter("redriven", "Dead letters that were redriven."),
  expired: counter(
    "expired",
    "Deliveries that were not settled in time, and were taken back.",
  ),
  waiting: gauge(
    "waiting",
    "Messages that can be received, or wait for their group.",
  ),
  delayed: gauge("delayed", "Messages whose delay has not ended."),
  inFlight: gauge("in_flight", "Messages that consumers hold."),
  handlers: gauge("handlers", "Handlers that run."),
  deadLetters: gauge("dead_letters", "Dead letters."),
  finished: gauge("finished", "Finished messages that are kept."),
  oldestMs: seconds(
    "oldest",
    "The age of the oldest message that no consumer holds.",
  ),
  waitMs: durations("wait", "How long messages waited until each delivery."),
  handlerMs: durations("handler", "How long each handler took."),
  attempts: counts(
    "attempts",
    "How many deliveries a message had when it was acknowledged or died.",
  ),
};

/** The families of each kind, in the order in which they are written. */
export const FAMILIES: Readonly<
  Record<string, Readonly<Record<string, Family>>>
> = { store: STORE, state: STATE, queue: QUEUE };
