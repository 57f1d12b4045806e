/** Faults that the tests must notice: one way each to break a promise. */
import { ADOPT_MUTANTS } from "./adopt.ts";
import { CONSUME_MUTANTS } from "./consume.ts";
import { EVENT_MUTANTS } from "./events.ts";
import { FOLLOW_MUTANTS } from "./follow.ts";
import { FORWARD_MUTANTS } from "./forward.ts";
import { INBOX_MUTANTS } from "./inbox.ts";
import { JETSTREAM_MUTANTS } from "./jetstream.ts";
import { JETSTREAM_QUEUE_MUTANTS } from "./jetstream_queue.ts";
import { JOB_MUTANTS } from "./jobs.ts";
import { LOCK_MUTANTS } from "./lock.ts";
import type { Mutant } from "./mutant.ts";
import { OWNER_MUTANTS } from "./owner.ts";
import { QUEUE_MUTANTS } from "./queue.ts";
import { RETAIN_MUTANTS } from "./retain.ts";
import { ROLL_BACK_MUTANTS } from "./roll_back.ts";
import { SCHEDULE_MUTANTS } from "./schedule.ts";
import { STATE_MUTANTS } from "./state.ts";
import { STORE_MUTANTS } from "./store.ts";
import { TELEMETRY_MUTANTS } from "./telemetry.ts";
import { TIMES_MUTANTS } from "./times.ts";
import { VIEW_MUTANTS } from "./view.ts";
import { WORK_MUTANTS } from "./work.ts";
import { ROTATION_MUTANTS } from "./rotation.ts";
import { SYNC_MUTANTS } from "./sync.ts";
import { WRITER_MUTANTS } from "./writer.ts";

export const MUTANTS: readonly Mutant[] = [
  ...WRITER_MUTANTS,
  ...ROTATION_MUTANTS,
  ...SYNC_MUTANTS,
  ...STORE_MUTANTS,
  ...FOLLOW_MUTANTS,
  ...CONSUME_MUTANTS,
  ...TIMES_MUTANTS,
  ...TELEMETRY_MUTANTS,
  ...OWNER_MUTANTS,
  ...LOCK_MUTANTS,
  ...STATE_MUTANTS,
  ...RETAIN_MUTANTS,
  ...ROLL_BACK_MUTANTS,
  ...VIEW_MUTANTS,
  ...QUEUE_MUTANTS,
  ...JOB_MUTANTS,
  ...INBOX_MUTANTS,
  ...EVENT_MUTANTS,
  ...SCHEDULE_MUTANTS,
  ...WORK_MUTANTS,
  ...ADOPT_MUTANTS,
  ...JETSTREAM_MUTANTS,
  ...JETSTREAM_QUEUE_MUTANTS,
  ...FORWARD_MUTANTS,
];
