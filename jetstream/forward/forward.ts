import type { MiniStore } from "../../store/mod.ts";
import { type NatsClient, Stream } from "../stream.ts";
import { Forwarder } from "./forwarder.ts";
import { checkedForward, type ForwardOptions } from "./options.ts";
import { Source } from "./source.ts";
import { Target } from "./target.ts";

/**
 * Carries the durable records of a local log to a stream, each once and in
 * order, whenever there is a connection: a device appends without a network, and
 * what it has appended arrives later.
 *
 * A record is a message: its JSON, with the headers `Mini-Log`, the id of the log,
 * `Mini-Seq`, its number, and `Mini-At` where the log has times. Every log has a
 * subject of its own, and continues there after the record that the last message
 * names, whatever was lost, repeated or not answered. Two that forward the same log,
 * or copies of it, do not double anything. The consumer's position follows, and
 * holds back compaction; so the log keeps what the stream does not have.
 *
 * Without a connection it waits and tries again. It ends when the log is closed, or
 * with its signal, and then resolves.
 *
 * @param source The log: open in this process, or the path of its active segment,
 * beside its writer. Beside a writer the last record is sent once a later one
 * proves that it is durable.
 * @param nc A connection, such as `connect` of a NATS transport gives it.
 * @param options Where to.
 * @throws {MiniError} `REWRITTEN` if the log does not hold what the stream has of
 * it: it was reset, or restored from an older copy; `COMPACTED` if records that the
 * stream does not have are gone from the log; `TOO_LARGE` for a record over the
 * server's `max_payload`, when all before it were sent; `UNSUPPORTED_FORMAT` if the
 * settings of the stream would lose records, or it has other subjects, and for a
 * log of the Rust program; `UNSUPPORTED` for a server before 2.12;
 * `NOT_FOUND`, `PERMISSION`; `CLOSED` if the connection was closed; `LOCKED` while
 * another holds the consumer; and as `Consumer.follow`. The log is unchanged.
 *
 * @example A device that forwards what it has measured
 * ```ts ignore
 * import { connect } from "@nats-io/transport-node";
 * import { connectionOptions, forward } from "@mini/state/jetstream";
 * import { MiniStore } from "@mini/state/store";
 *
 * await using log = await MiniStore.open("./readings/journal.jsonl");
 * const nc = await connect({ servers: "centre:4222", ...connectionOptions, waitOnFirstConnect: true });
 * await forward(log, nc, { consumer: "uplink", stream: "READINGS" });
 * ```
 */
export async function forward<T>(
  source: MiniStore<T> | string | URL,
  nc: NatsClient,
  options: ForwardOptions,
): Promise<void> {
  const checked = checkedForward(options);
  const { consumer, stream, subject, requestTimeoutMs } = checked;
  if (checked.signal?.aborted) return;
  const from = await Source.open(source, consumer);
  try {
    const patience = { requestTimeoutMs, doubtMs: 0 };
    const place = { subject, log: from.id };
    const target = new Target(nc, new Stream(nc, stream, patience), place);
    await new Forwarder(from, target, checked).run();
  } finally {
    await from.close();
  }
}
