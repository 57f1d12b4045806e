/** The requests to a process that runs tests, and its answers. */

/** Begins a line that is an answer, for the tests write too. */
export const MARK = "\u001e";

/** Loads a file of tests, or runs one of its tests. */
export interface Request {
  readonly path: string;
  /** The test, by its place in the file; the file is only loaded without it. */
  readonly test?: number;
  /** The mutation that is made meanwhile; 0 for none. */
  readonly mutant?: number;
  /** The test fails when it takes longer. */
  readonly limitMs: number;
}

/** The answer to a request. */
export interface Answer {
  /** The names of the tests of the file, `null` for one that cannot run here. */
  readonly names: readonly (string | null)[];
  /** Why the test failed, or the file cannot be loaded. */
  readonly failure?: string;
  readonly ms: number;
  /** The mutations that were reached. */
  readonly hits: readonly number[];
}
