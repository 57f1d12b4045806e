/** A small change that makes the source wrong. */
export interface Mutant {
  readonly name: string;
  /** The file that is changed, from the root. */
  readonly file: string;
  /** Texts that each stand once in the file, and what takes their place. */
  readonly edits: readonly (readonly [old: string, new: string])[];
  /** The test that must fail. */
  readonly killedBy: { readonly file: string; readonly test: string };
  /** Why nothing is wrong with it after all, so that the test passes. */
  readonly equivalent?: string;
}

/** By file: the mutations of a folder that break nothing, with the line that each changes. */
export type Explanations = Readonly<
  Record<string, readonly (readonly [at: string, what: string, why: string])[]>
>;
