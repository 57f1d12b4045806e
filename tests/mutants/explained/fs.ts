import type { Explanations } from "../mutant.ts";

/** Mutations of `fs/` that break nothing. */
export const FS: Explanations = {};
