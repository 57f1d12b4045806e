import { crc32 } from "node:zlib";

/** The steps of a run, in order, and what was wrong. */
export class Trace {
  readonly #isKept: boolean;
  readonly lines: string[] = [];
  readonly violations: string[] = [];
  /** Stands for every line so far, kept or not. */
  hash = 0;
  /** How many calls to the file system there were. */
  calls = 0;

  constructor(isKept: boolean) {
    this.#isKept = isKept;
  }

  /** Takes note of something that is worth reading. */
  note(line: string): void {
    this.hash = crc32(`${line}\n`, this.hash);
    if (this.#isKept) this.lines.push(line);
  }

  /** Takes note of a call to the file system. */
  call(line: string): void {
    this.calls++;
    this.hash = crc32(`${line}\n`, this.hash);
    if (this.#isKept) this.lines.push(`      ${line}`);
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
