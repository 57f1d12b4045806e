import { crc32 } from "node:zlib";
import type { MemoryFileSystem } from "@mini/state/testing";

/** The name of a file in an inbox: a process posts under one name, and counts, in all its runs. */
const POSTED = /[0-9a-f]{32}\.\d{20}\.json/g;

/** Many times the calls to all its disks that a run makes. */
const MOST_CALLS = 200_000;

/** The steps of a run, in order, and what was wrong. */
export class Trace {
  readonly #say: (line: string) => void;
  readonly violations: string[] = [];
  /** Stands for every line so far. */
  hash = 0;
  /** How many calls to the file system there were. */
  calls = 0;
  #allCalls = 0;

  /** @param say Called with each step. */
  constructor(say: (line: string) => void = () => {}) {
    this.#say = say;
  }

  /** Takes note of something that is worth reading. */
  note(line: string): void {
    this.#add(line, "");
  }

  /** Takes note of a call to the file system. */
  call(line: string): void {
    this.calls++;
    this.#add(line, "      ");
  }

  #add(line: string, indent: string): void {
    const same = line.replace(POSTED, "posted.json");
    this.hash = crc32(`${same}\n`, this.hash);
    this.#say(indent + line);
  }

  /** Has a run fail that calls a disk again and again without end. */
  watch(disk: MemoryFileSystem): MemoryFileSystem {
    disk.hooks.before = () => this.countCall();
    return disk;
  }

  /** Counts a call to any disk, and throws once there were far too many. */
  countCall(): undefined {
    if (++this.#allCalls <= MOST_CALLS) return;
    const what = `something hangs, and makes more than ${MOST_CALLS} calls`;
    if (this.violations.length === 0) this.violation(what);
    throw new Error(what);
  }

  violation(what: string): void {
    this.note(`VIOLATION: ${what}`);
    this.violations.push(what);
  }
}

/** A line for what an operation has come to. */
export function told(outcome: unknown): string {
  if (!(outcome instanceof Error)) return JSON.stringify(outcome) ?? "done";
  const { code = outcome.name } = outcome as { code?: string };
  return `${code} (${outcome.message})`;
}
