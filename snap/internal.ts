/** The part of snapshots that a repair tool needs to know. A name is added here in review. */

export { listSnapshots } from "./directory.ts";
export { damaged } from "./errors.ts";
export { readRustPair } from "./rust_pair.ts";
export { readSnapshot } from "./snapshot_file.ts";
