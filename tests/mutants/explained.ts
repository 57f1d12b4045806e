import { BASE } from "./explained/base.ts";
import { FS } from "./explained/fs.ts";
import { QUEUE } from "./explained/queue.ts";
import { SNAP } from "./explained/snap.ts";
import { STATE } from "./explained/state.ts";
import { STORE } from "./explained/store.ts";
import type { Mutation } from "./generate.ts";
import type { Explanations } from "./mutant.ts";

/** A mutation that breaks nothing: no test can notice it. */
export interface Explained {
  readonly file: string;
  /** The line that it changes, which stands once in the file. */
  readonly at: string;
  readonly what: string;
  readonly why: string;
}

const TABLE: Explanations = {
  ...BASE,
  ...FS,
  ...STORE,
  ...SNAP,
  ...STATE,
  ...QUEUE,
};

export const EXPLAINED: readonly Explained[] = Object.entries(TABLE)
  .flatMap(([file, rows]) =>
    rows.map(([at, what, why]) => ({ file, at, what, why }))
  );

/** Whether this explains why a mutation breaks nothing. */
export function explains(known: Explained, mutation: Mutation): boolean {
  return known.file === mutation.file && known.what === mutation.what &&
    known.at === mutation.at;
}
