import type { Explanations } from "../mutant.ts";

/** Mutations of `queue/` that break nothing. */
export const QUEUE: Explanations = {};
