import { dirname, join } from "@std/path";
import { MiniError } from "../../base/errors.ts";
import { count } from "../../base/text.ts";
import { SnapStore } from "../../snap/mod.ts";
import {
  type FileSystem,
  MiniStore,
  systemFileSystem,
} from "../../store/mod.ts";
import { jetStream } from "../open.ts";
import { checked, type JetStreamOptions, namesOf } from "../options.ts";
import { describe, notThere } from "../settings.ts";
import { type NatsClient, Stream } from "../stream.ts";
import { beginAs, copyAll, type MoveReport } from "./copy.ts";
import { asItIs } from "./snapshots.ts";

/** How a log and its snapshots are copied between a directory and streams. */
export interface MoveOptions extends
  Pick<
    JetStreamOptions<unknown>,
    | "prefix"
    | "replicas"
    | "create"
    | "maxBytes"
    | "leaseMs"
    | "whenHeld"
    | "requestTimeoutMs"
    | "doubtMs"
    | "signal"
  > {
  /** The name of the log in the directory. @default {"journal.jsonl"} */
  journal?: string;
  /** The file system of the directory. @default {that of the runtime} */
  fs?: FileSystem;
}

/** Says of a stream that it is being filled: opening refuses it. */
const UNFINISHED = "mini copy, not finished: delete the stream, and copy again";

/**
 * Copies the log and the snapshots of a state or a queue from its directory to
 * streams, where `jetStream` opens them: with their numbers, what was aborted, and
 * the id of the log. Then reads everything back and compares it.
 *
 * The directory is locked meanwhile, and stays as it is. Use one of both from then
 * on: they know nothing of each other. Times of records, consumers and the inbox of
 * a queue do not come along.
 *
 * A copy that is not finished, because the call failed or was killed, cannot be
 * opened. Its streams are to be deleted before the next attempt.
 *
 * @param dir The directory. Nobody may have it open.
 * @param nc A connection, made with {@linkcode connectionOptions}.
 * @param name The name of the state, as for `jetStream`. Streams of that name are
 * missing, or hold nothing.
 * @param options Where both are.
 * @returns What was copied.
 * @throws {MiniError} `NOT_FOUND` if there is no log in the directory, `LOCKED`
 * while somebody has it open, or owns the stream; `CONFLICT` if the streams hold
 * anything; `TOO_LARGE` for a record over the server's `max_payload`; `IO` if the
 * copy does not read back; `UNSUPPORTED_FORMAT` for a log of the Rust program; and
 * as `MiniStore.open` and `jetStream`. The directory is unchanged.
 *
 * @example From one machine to three
 * ```ts ignore
 * const { sequence } = await copyToStream("./counter", nc, "counter");
 * const counter = await StateManager.open({ ...await jetStream<number>(nc, "counter"), initial, apply });
 * ```
 */
export async function copyToStream(
  dir: string,
  nc: NatsClient,
  name: string,
  options: MoveOptions = {},
): Promise<MoveReport> {
  const { journal = "journal.jsonl", fs = systemFileSystem, ...more } = options;
  const settings = checked("copyToStream()", more);
  const path = join(dir, journal);
  const store = await openExisting(path, fs);
  const { applied } = store;
  try {
    const snapshots = new SnapStore(dir, { fs, codec: asItIs, readOnly: true });
    const keepSnapshots = Math.max(1, (await snapshots.list()).length);
    const to = await jetStream(nc, name, {
      ...more,
      codec: asItIs,
      keepSnapshots,
      acceptLoss: true,
    });
    let report: MoveReport | undefined;
    try {
      await assertNothing(to, name);
      const { log } = namesOf(name, settings.prefix);
      const stream = new Stream(nc, log, settings);
      await beginAs(to.log, store);
      // After that, because it gives the stream the name of the log.
      await redescribe(stream, UNFINISHED);
      const source = { log: store, snapshots };
      report = await copyAll(source, to, settings.signal);
      await redescribe(stream, describe(report.id));
      return report;
    } finally {
      // It is known of the copy alone what was applied.
      await to.log.close(report && { applied });
    }
  } finally {
    // It says no more than it said before.
    await store.close({ applied });
  }
}

/**
 * Copies the log and the snapshots of a state or a queue from streams to a
 * directory, where `StateManager.open` and `MiniQueue.open` find them: the way back
 * of {@linkcode copyToStream}, with the same numbers.
 *
 * The call owns the log meanwhile: its owner must have closed it. The streams stay
 * as they are. The directory gets its name when everything was read back and
 * compared; a call that fails leaves at most one named `<dir>.unfinished`, which is
 * to be removed before the next attempt.
 *
 * @param nc A connection, made with {@linkcode connectionOptions}.
 * @param name The name of the state, as for `jetStream`.
 * @param dir The directory, which is missing; its parent is there.
 * @param options Where both are.
 * @returns What was copied.
 * @throws {TypeError} If `dir` or `<dir>.unfinished` is there.
 * @throws {MiniError} `NOT_FOUND` if there is no such state; `LOCKED` while somebody
 * owns it; `IO` if the copy does not read back; and as `jetStream` and
 * `MiniStore.open`. The streams are unchanged.
 *
 * @example A copy on this machine
 * ```ts ignore
 * const { sequence } = await copyToDirectory(nc, "counter", "./counter");
 * const counter = await StateManager.open("./counter", { initial, apply });
 * ```
 */
export async function copyToDirectory(
  nc: NatsClient,
  name: string,
  dir: string,
  options: MoveOptions = {},
): Promise<MoveReport> {
  const { journal = "journal.jsonl", fs = systemFileSystem, ...more } = options;
  const settings = checked("copyToDirectory()", more);
  const unfinished = `${dir}.unfinished`;
  for (const path of [dir, unfinished]) {
    if (await fs.stat(path) === undefined) continue;
    throw new TypeError(`"${path}" is there: give a directory that is not`);
  }
  const from = await jetStream(nc, name, {
    ...more,
    codec: asItIs,
    create: false,
  });
  try {
    const applied = from.log.applied ?? 0;
    const keep = Math.max(1, (await from.snapshots.list()).length);
    const store = await MiniStore.open(join(unfinished, journal), { fs });
    let report: MoveReport;
    try {
      const snapshots = new SnapStore(unfinished, { fs, codec: asItIs, keep });
      await beginAs(store, from.log);
      report = await copyAll(from, { log: store, snapshots }, settings.signal);
    } finally {
      await store.close({ applied });
    }
    await fs.rename(unfinished, dir);
    await fs.syncDirectory(dirname(dir));
    return report;
  } finally {
    await from.log.close();
  }
}

/** Opens a log that is there. */
async function openExisting(
  path: string,
  fs: FileSystem,
): Promise<MiniStore<unknown>> {
  // Opening for writing would make one.
  await (await MiniStore.openReader(path, { fs })).close();
  const store = await MiniStore.open<unknown>(path, { fs });
  if (store.id !== undefined) return store;
  await store.close();
  const message =
    `Cannot copy "${path}": it is a log of the Rust program; mini convert makes one that can be copied`;
  throw new MiniError("UNSUPPORTED_FORMAT", message, { path });
}

async function assertNothing(
  { log, snapshots }: Awaited<ReturnType<typeof jetStream>>,
  name: string,
): Promise<void> {
  const found = await snapshots.list();
  if (log.sequence === 0 && found.length === 0) return;
  const message = `Cannot copy to state "${name}" in JetStream: it holds ${
    count(log.sequence, "record")
  } and ${count(found.length, "snapshot")}; nothing was copied`;
  throw new MiniError("CONFLICT", message);
}

async function redescribe(stream: Stream, description: string): Promise<void> {
  await stream.surely("describe", async () => {
    const facts = await stream.facts();
    if (facts === undefined) throw notThere(stream.name);
    await stream.configure("UPDATE", { ...facts.config, description });
  });
}
