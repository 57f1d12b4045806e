import type { Program } from "./program.ts";
import { KEPT_LOG } from "./programs/kept.ts";
import { LOG } from "./programs/log.ts";
import { QUEUE } from "./programs/queue.ts";
import { STATE } from "./programs/state.ts";

/** Their names. */
export type ProgramName = "log" | "kept" | "state" | "queue";

/** The programs whose power is cut. */
export const PROGRAMS: Readonly<Record<ProgramName, Program>> = {
  log: LOG,
  kept: KEPT_LOG,
  state: STATE,
  queue: QUEUE,
};
