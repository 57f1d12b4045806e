import type { MiniError } from "../base/errors.ts";
import { type Snapshots, SnapStore } from "../snap/mod.ts";
import type { StateViewSource } from "../state/mod.ts";
import type { Log } from "../store/mod.ts";
import { Tries } from "./clock.ts";
import { Lease } from "./lease.ts";
import { JetStreamLog } from "./log/log.ts";
import { JetStreamReader } from "./log/reader.ts";
import { takeOver } from "./log/take_over.ts";
import {
  type Checked,
  checked,
  type JetStreamOptions,
  type Names,
  namesOf,
} from "./options.ts";
import {
  checkVersion,
  describe,
  notThere,
  prepare,
  type Streams,
} from "./settings.ts";
import { StreamFiles } from "./snapshots/files.ts";
import { type NatsClient, Stream } from "./stream.ts";

/** A log, its snapshots, and what they stand on. */
interface Opened<S> {
  readonly log: Log<unknown>;
  readonly snapshots: Snapshots<S>;
  readonly epoch: number;
  readonly lost: Promise<MiniError>;
}

/**
 * Log and snapshots of a state in JetStream, owned until the log is closed.
 * Spread it into the options of a state manager, which owns the log from then on:
 * its closing closes the log, and so does an opening that fails.
 *
 * @typeParam S The state.
 *
 * @example Tell another system who the owner is
 * ```ts ignore
 * import { connect } from "@nats-io/transport-node";
 * import { connectionOptions, jetStream } from "@mini/state/jetstream";
 * import { StateManager } from "@mini/state/state";
 *
 * const nc = await connect({ servers: ["n1:4222", "n2:4222", "n3:4222"], ...connectionOptions });
 * const owned = await jetStream<number>(nc, "counter");
 * await using counter = await StateManager.open({
 *   ...owned,
 *   initial: () => 0,
 *   apply: (state, by: number) => state + by,
 * });
 * await fetch("https://example.com/", {
 *   method: "POST", // there, a smaller number than the last is refused
 *   headers: { "Fencing-Token": `${owned.epoch}` },
 *   body: `${counter.state}`,
 * });
 * ```
 */
export class JetStreamState<S> {
  /** The log. Closing it gives up the ownership. */
  readonly log: Log<unknown>;
  /** The snapshots. */
  readonly snapshots: Snapshots<S>;
  readonly #opened: Opened<S>;

  /** Made by {@linkcode jetStream}. */
  constructor(opened: Opened<S>) {
    this.log = opened.log;
    this.snapshots = opened.snapshots;
    this.#opened = opened;
  }

  /** A number that grows with every owner: a fencing token for other systems, which refuse a smaller one than they have seen. */
  get epoch(): number {
    return this.#opened.epoch;
  }

  /** Resolves when nothing more can be written, with `DEPOSED` or `POISONED`; the state manager fails with it. Never rejects. */
  get lost(): Promise<MiniError> {
    return this.#opened.lost;
  }
}

function streamsOf(
  nc: NatsClient,
  names: Names,
  options: Checked<unknown>,
): Streams {
  // A lease must be renewed several times within its time.
  const requestTimeoutMs = Math.min(
    options.requestTimeoutMs,
    options.leaseMs / 4,
  );
  return {
    log: new Stream(nc, names.log, options),
    snapshots: new Stream(nc, names.snapshots, options),
    leases: new Stream(nc, names.leases, { ...options, requestTimeoutMs }),
  };
}

/**
 * Opens the log and the snapshots of a state in JetStream, and becomes the owner:
 * from then on nobody else writes, and a former owner is told so with `DEPOSED`.
 *
 * An append is acknowledged when a majority of the servers has it, and is as
 * durable as they make it: without `sync_interval: always` in the configuration of
 * every server a power cut loses acknowledged records. See docs/CLUSTER.md.
 *
 * @param nc A connection, made with {@linkcode connectionOptions}. It stays open
 * when the log is closed.
 * @param name The name of the state: letters, digits, `_` and `-`.
 * @param options Where the streams are, and how the log is owned.
 * @returns Log and snapshots.
 * @throws {TypeError} For a name or an option that is not valid.
 * @throws {MiniError} `LOCKED` if another process owns it; `UNAVAILABLE` if no
 * server answers for `doubtMs`; `NOT_FOUND` for a stream that is missing if none
 * is to be made; `UNSUPPORTED_FORMAT` for a stream whose settings would lose
 * records, or that holds something else, or a newer version; `UNSUPPORTED` for a
 * server before 2.12, without JetStream, or alone where replicas are wanted;
 * `NO_SPACE` beyond the limits of the account or the servers; `CORRUPT` if messages
 * are missing; `PERMISSION` if the NATS user may not.
 *
 * @example A state on three servers
 * ```ts ignore
 * import { connect } from "@nats-io/transport-node";
 * import { connectionOptions, jetStream } from "@mini/state/jetstream";
 * import { StateManager } from "@mini/state/state";
 *
 * const nc = await connect({ servers: ["n1:4222", "n2:4222", "n3:4222"], ...connectionOptions });
 * await using counter = await StateManager.open({
 *   ...await jetStream<number>(nc, "counter"),
 *   initial: () => 0,
 *   apply: (state, by: number) => state + by,
 * });
 * await counter.apply(2); // two of three servers have it
 * ```
 */
export async function jetStream<S>(
  nc: NatsClient,
  name: string,
  options: JetStreamOptions<S> = {},
): Promise<JetStreamState<S>> {
  const checkedOptions = checked("jetStream()", options);
  const names = namesOf(name, checkedOptions.prefix);
  const { holder, signal } = checkedOptions;
  await checkVersion(nc, new Tries(checkedOptions, signal));
  const streams = streamsOf(nc, names, checkedOptions);
  const { id, hadOwner } = await prepare(streams, names, checkedOptions);
  const token = crypto.randomUUID();
  const lease = await Lease.take(streams.leases, {
    ...checkedOptions,
    subject: names.leaseSubject,
    name: names.log,
    token,
    hadOwner,
    patience: checkedOptions,
    signal,
  });
  try {
    const subject = names.logSubject;
    const taken = await takeOver(
      streams.log,
      subject,
      { token, holder, lease: lease.taken },
      checkedOptions,
      signal,
    );
    const log = new JetStreamLog({
      stream: streams.log,
      subject,
      id,
      taken,
      lease,
      patience: checkedOptions,
      rename: checkedOptions.acceptLoss
        ? (id) => rename(streams.log, id)
        : undefined,
    });
    const { epoch } = taken;
    const files = new StreamFiles(
      streams.snapshots,
      names.snapshotSubject,
      epoch,
    );
    const snapshots = snapshotsIn(files, names, checkedOptions, false);
    return new JetStreamState({ log, snapshots, epoch, lost: log.failed });
  } catch (error) {
    await lease.release();
    throw error;
  }
}

function snapshotsIn<S>(
  fs: StreamFiles,
  { snapshots }: Names,
  { keepSnapshots, codec }: Checked<S>,
  readOnly: boolean,
): SnapStore<S> {
  return new SnapStore<S>(`/${snapshots}`, {
    fs,
    keep: keepSnapshots,
    readOnly,
    ...(codec && { codec }),
  });
}

/** Gives a log the id that its snapshots name. */
async function rename(stream: Stream, id: string): Promise<void> {
  await stream.surely("rename", async () => {
    const facts = await stream.facts();
    if (facts === undefined) throw notThere(stream.name);
    const config = { ...facts.config, description: describe(id) };
    await stream.configure("UPDATE", config);
  });
}

/**
 * The log and the snapshots of a state in JetStream for reading, by any number of
 * processes. A view on it can be promoted: it becomes the owner.
 *
 * @param nc A connection, made with {@linkcode connectionOptions}.
 * @param name The name of the state.
 * @param options Where the streams are; and how the log is owned once a view is
 * promoted.
 * @returns The source of a view. It stays usable when the view is closed.
 * @throws {TypeError} As {@linkcode jetStream}.
 * @throws {MiniError} `NOT_FOUND` if the log is not there; otherwise as
 * {@linkcode jetStream}.
 *
 * @example A standby on another machine
 * ```ts ignore
 * import { connect } from "@nats-io/transport-node";
 * import { connectionOptions, jetStreamReader } from "@mini/state/jetstream";
 * import { StateView } from "@mini/state/state";
 *
 * const nc = await connect({ servers: ["n1:4222", "n2:4222", "n3:4222"], ...connectionOptions });
 * const view = await StateView.open(await jetStreamReader<number>(nc, "counter"), {
 *   initial: () => 0,
 *   apply: (state, by: number) => state + by,
 * });
 * await using counter = await view.promote({ waitMs: 3_600_000 }); // once the owner is gone
 * ```
 */
export async function jetStreamReader<S>(
  nc: NatsClient,
  name: string,
  options: JetStreamOptions<S> = {},
): Promise<StateViewSource<S>> {
  const checkedOptions = checked("jetStreamReader()", options);
  const names = namesOf(name, checkedOptions.prefix);
  await checkVersion(nc, new Tries(checkedOptions, checkedOptions.signal));
  const streams = streamsOf(nc, names, checkedOptions);
  const log = new JetStreamReader(
    streams.log,
    names.logSubject,
    checkedOptions,
  );
  await log.refresh();
  if (log.id === undefined) throw notThere(names.log);
  const files = new StreamFiles(streams.snapshots, names.snapshotSubject);
  return {
    log,
    snapshots: snapshotsIn(files, names, checkedOptions, true),
    own: (signal) =>
      jetStream(nc, name, { ...options, ...(signal && { signal }) }),
  };
}
