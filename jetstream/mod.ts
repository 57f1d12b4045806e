/**
 * A queue on the servers of NATS JetStream, which workers on many machines share.
 *
 * ```ts ignore
 * import { connect } from "@nats-io/transport-node";
 * import { JetStreamQueue } from "@mini/state/jetstream";
 *
 * const nc = await connect({ servers: ["n1:4222", "n2:4222", "n3:4222"] });
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
export { JetStreamMessage } from "./queue/message.ts";
export type { JetStreamQueueOptions } from "./queue/options.ts";
export { JetStreamQueue } from "./queue/queue.ts";
export { relay, type RelayOptions } from "./queue/relay.ts";
