/** What tests must notice: one way each to lose, or to invent, what was promised. */
import { LOCK_MUTANTS } from "./lock.ts";
import { OWNER_MUTANTS } from "./owner.ts";
import { QUEUE_MUTANTS } from "./queue.ts";
import { ROLL_BACK_MUTANTS } from "./roll_back.ts";
import { STATE_MUTANTS } from "./state.ts";
import { STORE_MUTANTS } from "./store.ts";
import { WORK_MUTANTS } from "./work.ts";
import { WRITER_MUTANTS } from "./writer.ts";

/** A small change of the source that makes it wrong. */
export interface Mutant {
  readonly name: string;
  /** The file that is changed, from the root. */
  readonly file: string;
  /** What is taken out, each exactly once in the file, and what is put in its place. */
  readonly edits: readonly (readonly [old: string, new: string])[];
  /** The test that must fail. */
  readonly killedBy: { readonly file: string; readonly test: string };
  /** Why nothing is wrong with it after all, so that the test passes. */
  readonly equivalent?: string;
}

export const MUTANTS: readonly Mutant[] = [
  ...WRITER_MUTANTS,
  ...STORE_MUTANTS,
  ...OWNER_MUTANTS,
  ...LOCK_MUTANTS,
  ...STATE_MUTANTS,
  ...ROLL_BACK_MUTANTS,
  ...QUEUE_MUTANTS,
  ...WORK_MUTANTS,
];
