/**
 * A state and a queue for several machines, on servers of NATS JetStream: the
 * state has one owner that writes, and views that follow and take over; the queue
 * has workers on many machines.
 *
 * ```ts ignore
 * import { connect } from "@nats-io/transport-node";
 * import { connectionOptions, jetStream, JetStreamQueue } from "@mini/state/jetstream";
 * import { StateManager } from "@mini/state/state";
 *
 * const nc = await connect({ servers: ["n1:4222", "n2:4222", "n3:4222"], ...connectionOptions });
 * await using counter = await StateManager.open({
 *   ...await jetStream<number>(nc, "counter"),
 *   initial: () => 0,
 *   apply: (state, by: number) => state + by,
 * });
 * await counter.apply(2); // two of three servers have it
 *
 * await using queue = await JetStreamQueue.open<{ to: string }>(nc, "mails");
 * await queue.enqueue({ to: "ada" }); // two of three servers have it
 * await queue.work(({ payload }) => console.log(payload.to), { concurrency: 8 });
 * ```
 *
 * @experimental
 * @module
 */

export { MiniError } from "../base/errors.ts";
export type { MiniErrorCode, MiniErrorOptions } from "../base/errors.ts";
export type { SnapCodec } from "../snap/mod.ts";
export { forward } from "./forward/forward.ts";
export type { ForwardOptions } from "./forward/options.ts";
export { connectionOptions } from "./options.ts";
export type { JetStreamOptions, JetStreamReaderOptions } from "./options.ts";
export type { NatsClient } from "./stream.ts";
export { jetStream, jetStreamReader, JetStreamState } from "./open.ts";
export { JetStreamMessage } from "./queue/message.ts";
export type { JetStreamQueueOptions } from "./queue/options.ts";
export { JetStreamQueue } from "./queue/queue.ts";
export { relay, type RelayOptions } from "./queue/relay.ts";
export {
  copyToDirectory,
  copyToStream,
  type MoveOptions,
} from "./move/move.ts";
export type { MoveReport } from "./move/copy.ts";
