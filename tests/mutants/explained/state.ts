import type { Explanations } from "../mutant.ts";

/** Mutations of `state/` that break nothing. */
export const STATE: Explanations = {};
