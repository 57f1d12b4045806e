// The rules that every `Queue<T>` keeps, whatever it stands on.
import { DELIVERY } from "./delivery.ts";
import type { QueueRule } from "./rule.ts";
import { DEAD, SETTLING } from "./settling.ts";
import { WHOLE, WORKING } from "./working.ts";

/** The rules of every queue. */
export const QUEUE_RULES: readonly QueueRule[] = [
  ...DELIVERY,
  ...SETTLING,
  ...DEAD,
  ...WORKING,
  ...WHOLE,
];
