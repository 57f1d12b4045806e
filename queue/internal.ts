/** The parts of the queue that who shows and repairs it needs beyond `mod.ts`. A name is added here in review. */

export { QueueTime } from "./clock.ts";
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
export { applyLogged } from "./ledger/reducer.ts";
export { lookInto } from "./reader.ts";
