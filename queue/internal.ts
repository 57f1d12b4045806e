/** The parts of the queue that who shows and repairs it needs beyond `mod.ts`. A name is added here in review. */

export { QueueTime } from "./clock.ts";
export {
  type Workable,
  type WorkFailure,
  type WorkSource,
} from "./delivery/work_source.ts";
export { WorkerPool } from "./delivery/worker.ts";
export { limitsOf } from "./delivery/handler.ts";
export { checkReason, describe, loggedError } from "./delivery/reason.ts";
export { ledgerCodec } from "./ledger/codec.ts";
export { kindIn } from "./ledger/entry_check.ts";
export {
  deadLettersIn,
  delayOf,
  type Hold,
  inFlightIn,
  type LedgerView,
  waitingIn,
  waitOf,
} from "./ledger/read.ts";
export { receiptExpired } from "./ledger/ledger.ts";
export { boundsOf } from "./ledger/status.ts";
export {
  checkMessage,
  checkSpan,
  messageOf,
  NACK_CHECKS,
  RECEIVE_CHECKS,
  REDRIVE_CHECKS,
} from "./options.ts";
export { applyLogged } from "./ledger/reducer.ts";
export { lookInto } from "./reader.ts";
