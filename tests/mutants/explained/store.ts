import type { Explanations } from "../mutant.ts";

/** Mutations of `store/` that break nothing. */
export const STORE: Explanations = {};
