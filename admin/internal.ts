/** The parts of this brick that `cli/` and `inspect/` need beyond `mod.ts`. A name is added here in review. */

export { isSetAside, tornMessage } from "./read/consistency.ts";
export { readQueue } from "./read/ledger.ts";
export { locate } from "./read/locate.ts";
export { setAsideIn } from "./read/snapshot_check.ts";
export { queueReport } from "./stat.ts";
export { isWell } from "./verify.ts";
