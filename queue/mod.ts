/**
 * A local message queue: at-least-once delivery, in order, with retries and dead letters.
 *
 * ```ts
 * import { MiniQueue } from "@mini/state/queue";
 * import { assertEquals } from "@std/assert";
 *
 * await using queue = await MiniQueue.open<string>(await Deno.makeTempDir());
 * await queue.enqueue("hello"); // durable
 * const message = await queue.receive({ waitMs: 1_000 });
 * assertEquals(message?.payload, "hello");
 * await message?.ack(); // durable, and gone
 * ```
 *
 * @module
 */

export { MiniError } from "../base/errors.ts";
export type { MiniErrorCode, MiniErrorOptions } from "../base/errors.ts";
export type { Schema, SchemaIssue, SchemaResult } from "../base/schema.ts";
export type { MessageHandler, Queue, ReceivedMessage } from "./contract.ts";
export type { CancelResult } from "./delivery/cancels.ts";
export { DeadLetterError, RetryLaterError } from "./delivery/errors.ts";
export { type BackoffOptions, exponentialBackoff } from "./delivery/backoff.ts";
export { type Clock, systemClock } from "./clock.ts";
export type {
  Cancellation,
  Fired,
  KeepPolicy,
  LaterRedrive,
  LedgerEntry,
  LoggedError,
  LoggedProgress,
  MessageHeaders,
  MessageUpdate,
  NewMessage,
  ScheduleChange,
  Settlement,
} from "./ledger/entry.ts";
export type {
  CancelledEvent,
  DeadEvent,
  DeliveredEvent,
  DoneEvent,
  EnqueuedEvent,
  EventOptions,
  ProgressEvent,
  QueueEvent,
  QueueEventBase,
  RetriedEvent,
} from "./events/event.ts";
export type { MessageOutcome } from "./events/outcome.ts";
export type { LedgerHost } from "./ledger_host.ts";
export {
  type DedupeKey,
  emptyLedger,
  type Ledger,
  type LedgerDeadLetter,
  type LedgerFinishedMessage,
  type LedgerMessage,
  type ScheduleState,
} from "./ledger/ledger.ts";
export type { QueueStats } from "./ledger/read.ts";
export type {
  DeadLetter,
  FinishedMessage,
  MessageInfo,
  MessageStatus,
  PageOptions,
  PendingMessage,
} from "./ledger/status.ts";
export { applyToLedger } from "./ledger/reducer.ts";
export { QueueMessage } from "./delivery/message.ts";
export type {
  DeadLetterChoice,
  DeliveryOptions,
  EnqueueOptions,
  EnqueueResult,
  KeepLimits,
  MessageChanges,
  MessageInput,
  NackOptions,
  PostOptions,
  QueueOptions,
  ReceiveOptions,
  RedriveOptions,
} from "./options.ts";
export type { EntryIn, PayloadOf, StateWith } from "./open.ts";
export type {
  ScheduleOptions,
  ScheduleRecord,
  ScheduleStatus,
} from "./schedule/options.ts";
export type {
  Health,
  HealthCode,
  HealthOptions,
  HealthReason,
} from "../state/mod.ts";
export type { QueueHealthOptions } from "./telemetry/health.ts";
export { MiniQueue } from "./queue.ts";
export { QueueReader } from "./reader.ts";
export { QueueView, type QueueViewOptions } from "./view.ts";
export type {
  Handler,
  HandlerContext,
  WorkOptions,
} from "./delivery/handler.ts";
export type { QueueMetrics } from "./telemetry/meter.ts";
export type { Histogram } from "../base/telemetry/histogram.ts";
export type { ReportProgress } from "./delivery/progress.ts";
export type {
  DeadLetterMessage,
  EnqueueMessage,
  LeaseExpiredMessage,
  OutgoingMessage,
  ProcessMessage,
  ProcessOutcome,
  QueueOpenMessage,
  ReceiveMessage,
  SettleMessage,
  ToldDelivery,
  ToldQueue,
  ToldSettlement,
} from "./telemetry/messages.ts";
