import type { MemoryFileSystem } from "@mini/state/testing";
import { DIR } from "./process.ts";

/** A change to the files of a program that does not run. */
export interface Damage {
  readonly what: string;
  /** Whether the end may be gone without a trace: what no promise of docs/DURABILITY.md covers. */
  readonly mayLose: boolean;
}

/** The paths of the files whose names match, in order. */
export function namesLike(fs: MemoryFileSystem, pattern: RegExp): string[] {
  return fs.names(DIR).filter((name) => pattern.test(name))
    .map((name) => `${DIR}/${name}`);
}
