import type { Explanations } from "../mutant.ts";

/** Mutations of `queue/` that break nothing. */
export const QUEUE: Explanations = {
  "queue/delivery/cancels.ts": [
    [
      "this.#unobserve();",
      "drop call",
      "the observer that is left notes for handlers that run what another notes too",
    ],
  ],
  "queue/delivery/leases.ts": [
    [
      "if (at < Infinity) this.#deadlines.push({ lease, at });",
      "< to <=",
      "a deadline that never comes is the last one, and is never due",
    ],
  ],
};
