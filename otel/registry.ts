/**
 * The version of OpenTelemetry's semantic conventions that the names follow. Those
 * of messaging are still in development, and may change with a later version.
 */
export const SEMANTIC_CONVENTIONS_VERSION = "1.45.0";

/** The name of a metric. */
export type MetricName =
  | "db.client.operation.duration"
  | "messaging.client.operation.duration"
  | "messaging.process.duration"
  | "messaging.client.sent.messages"
  | "messaging.client.consumed.messages"
  | "mini_state.message.wait.duration"
  | "mini_state.commit.duration"
  | "mini_state.sync.duration"
  | "mini_state.commit.callers"
  | "mini_state.commit.records"
  | "mini_state.commit.bytes"
  | "mini_state.poisoned"
  | "mini_state.no_space"
  | "mini_state.torn"
  | "mini_state.slow"
  | "mini_state.aborted"
  | "mini_state.deposed"
  | "mini_state.dead_letters"
  | "mini_state.expired_leases";

/** The name of a kind of span: the tracing channel without `mini-state:`. */
export type SpanName =
  | "open"
  | "append"
  | "apply"
  | "commit"
  | "rotate"
  | "compact"
  | "snapshot"
  | "enqueue"
  | "receive"
  | "process"
  | "settle";

/** A kind of span. */
export interface SpanInfo {
  /** Its name, with an attribute in braces whose value stands there. */
  readonly name: string;
  /** The kind, as OpenTelemetry calls it. */
  readonly kind: "internal" | "client" | "producer" | "consumer";
  /** The tracing channel that it is made of. */
  readonly channel: string;
  /** The metric that has its duration. */
  readonly duration: MetricName;
  /** From when to when it is. */
  readonly description: string;
}

/** A metric. */
export interface MetricInfo {
  /** A sum that only grows, or a distribution of values. */
  readonly instrument: "counter" | "histogram";
  /** As in UCUM. */
  readonly unit: string;
  /** The meaning of a value. */
  readonly description: string;
  /** The bounds of its buckets; none if it is a counter. */
  readonly boundaries: readonly number[];
}

/** The bounds that the conventions ask for. */
const DATABASE_SECONDS = [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10];
// deno-fmt-ignore
const MESSAGING_SECONDS = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10];
const WAITS_SECONDS = [0.01, 0.1, 1, 10, 60, 600, 3_600, 86_400];
const CALLERS = [1, 2, 5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 10_000];

const seconds = (
  description: string,
  boundaries: readonly number[],
): MetricInfo => ({
  instrument: "histogram",
  unit: "s",
  description,
  boundaries,
});

const counter = (unit: string, description: string): MetricInfo => ({
  instrument: "counter",
  unit: `{${unit}}`,
  description,
  boundaries: [],
});

/** Every metric, by its name. */
export const METRICS: Readonly<Record<MetricName, MetricInfo>> = {
  "db.client.operation.duration": seconds(
    "How long opening, an append, a mutation, a rotation, a compaction or a snapshot took",
    DATABASE_SECONDS,
  ),
  "messaging.client.operation.duration": seconds(
    "How long enqueueing, receiving or settling took; receiving includes the wait",
    MESSAGING_SECONDS,
  ),
  "messaging.process.duration": seconds(
    "How long a message was worked on, its settling included",
    MESSAGING_SECONDS,
  ),
  "messaging.client.sent.messages": counter(
    "message",
    "Messages that were enqueued or posted, or could not be; those of a mutation are not known to be",
  ),
  "messaging.client.consumed.messages": counter(
    "message",
    "Messages that were delivered, each delivery counted",
  ),
  "mini_state.message.wait.duration": seconds(
    "How long a message waited from when it could be received until a handler of work got it",
    WAITS_SECONDS,
  ),
  "mini_state.commit.duration": seconds(
    "How long a commit took: one write, and one fsync if a caller waits for it",
    DATABASE_SECONDS,
  ),
  "mini_state.sync.duration": seconds(
    "How long the fsync of a commit took",
    DATABASE_SECONDS,
  ),
  "mini_state.commit.callers": {
    instrument: "histogram",
    unit: "{caller}",
    description: "How many callers shared a commit",
    boundaries: CALLERS,
  },
  "mini_state.commit.records": counter("record", "Records that were committed"),
  "mini_state.commit.bytes": {
    ...counter("", "Bytes that were written for them"),
    unit: "By",
  },
  "mini_state.poisoned": counter(
    "log",
    "Logs that accept nothing until they are opened again",
  ),
  "mini_state.no_space": counter(
    "failure",
    "Commits for which the disk was full",
  ),
  "mini_state.torn": counter(
    "write",
    "Unfinished writes that opening has cut off",
  ),
  "mini_state.slow": counter(
    "commit",
    "Commits whose fsync took slowMs or longer",
  ),
  "mini_state.aborted": counter("mutation", "Mutations for which apply threw"),
  "mini_state.deposed": counter(
    "log",
    "Logs that another owner has taken over",
  ),
  "mini_state.dead_letters": counter(
    "message",
    "Messages that became dead letters",
  ),
  "mini_state.expired_leases": counter(
    "delivery",
    "Deliveries that were not settled in time",
  ),
};

const DATABASE = "db.client.operation.duration";
const MESSAGING = "messaging.client.operation.duration";

const ofDatabase = (
  operation: string,
  kind: SpanInfo["kind"],
  description: string,
  duration: MetricName = DATABASE,
): SpanInfo => ({
  name: `${operation} {db.namespace}`,
  kind,
  channel: `mini-state:${operation}`,
  duration,
  description,
});

const ofQueue = (
  operation: string,
  kind: SpanInfo["kind"],
  description: string,
  duration: MetricName = MESSAGING,
): SpanInfo => ({
  name: `${operation} {messaging.destination.name}`,
  kind,
  channel: `mini-state:${operation}`,
  duration,
  description,
});

/** Every kind of span, by its tracing channel. */
export const SPANS: Readonly<Record<SpanName, SpanInfo>> = {
  open: ofDatabase("open", "client", "A log, a state or a queue is opened"),
  append: ofDatabase(
    "append",
    "client",
    "An append, until it is acknowledged; that of a mutation is part of its `apply`",
  ),
  apply: ofDatabase(
    "apply",
    "client",
    "Mutations that are one record, until the state has them",
  ),
  commit: ofDatabase(
    "commit",
    "internal",
    "One write and fsync, of all callers that share it",
    "mini_state.commit.duration",
  ),
  rotate: ofDatabase("rotate", "internal", "A new segment is started"),
  compact: ofDatabase("compact", "internal", "Segments are removed"),
  snapshot: ofDatabase("snapshot", "internal", "A snapshot is made"),
  enqueue: ofQueue(
    "enqueue",
    "producer",
    "Messages are enqueued, until that is durable; or `post` or `schedule` does; or a mutation is made that will",
  ),
  receive: ofQueue(
    "receive",
    "client",
    "A consumer waits for messages, and takes them; `work` does not tell",
  ),
  process: ofQueue(
    "process",
    "consumer",
    "A handler of `work` has a message, until it is settled",
    "messaging.process.duration",
  ),
  settle: ofQueue(
    "settle",
    "client",
    "Deliveries end, until that is on record: `ack`, `nack`, `dead_letter` or `cancel`; `settle` where they differ",
  ),
};
