/** The parts of this brick that `cli/` and `inspect/` need beyond `mod.ts`. A name is added here in review. */

export { setAsideIn } from "./read/snapshot_check.ts";
export { isWell } from "./verify.ts";
