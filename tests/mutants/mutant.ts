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
