/** What has become of one suite on one runtime. */
export interface Row {
  readonly runtime: string;
  readonly suite: string;
  readonly passed: number;
  readonly failed: number;
  /** Why it, or a part of it, could not be done here. */
  readonly skipped?: readonly string[];
  /** What was measured or found. */
  readonly note?: string;
  /** What has failed, for whoever is to mend it. */
  readonly failures?: readonly string[];
}

/** Counts the checks of one suite on one runtime. */
export class Tally {
  readonly #runtime: string;
  readonly #suite: string;
  readonly #failures: string[] = [];
  readonly #skipped: string[] = [];
  #passed = 0;
  #failed = 0;
  /** What was measured or found. */
  note = "";

  constructor(runtime: string, suite: string) {
    this.#runtime = runtime;
    this.#suite = suite;
  }

  /** Runs a check. Throwing is failing. */
  async check(name: string, test: () => Promise<void> | void): Promise<void> {
    try {
      await test();
      this.#passed++;
    } catch (error) {
      this.fail(`${name}: ${error instanceof Error ? error.stack : error}`);
    }
  }

  /** Counts a failure. */
  fail(what: string): void {
    this.#failed++;
    this.#failures.push(what);
  }

  /** Says what could not be done, and why. */
  skip(why: string): void {
    this.#skipped.push(why);
  }

  /** Adds what a process of its own has counted, and says that it has skipped. */
  add({ stdout, stderr, code }: Output): void {
    const counts = /^(\d+) passed, (\d+) failed$/m.exec(stdout);
    if (counts === null || (code !== 0 && counts[2] === "0")) {
      return this.fail(`exit ${code}\n${stdout}\n${stderr}`);
    }
    this.#passed += Number(counts[1]);
    this.#failed += Number(counts[2]);
    if (counts[2] !== "0") this.#failures.push(stdout + stderr);
    for (const [, why] of stdout.matchAll(/^SKIPPED (.*)$/gm)) this.skip(why!);
  }

  /** What it has come to. */
  row(): Row {
    return {
      runtime: this.#runtime,
      suite: this.#suite,
      passed: this.#passed,
      failed: this.#failed,
      skipped: this.#skipped,
      failures: this.#failures,
      note: this.note,
    };
  }
}

/** What a process has left. */
export interface Output {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Throws unless both are the same text. */
export function same(actual: string | number, expected: string | number): void {
  if (actual !== expected) {
    throw new Error(`Expected ${expected}\n     not ${actual}`);
  }
}

/** Throws unless the text has this in it. */
export function has(text: string, part: string): void {
  if (!text.includes(part)) throw new Error(`No ${part} in ${text}`);
}

/** Throws where a process has failed. */
export function succeeded({ code, stdout, stderr }: Output): Output {
  if (code === 0) return { code, stdout, stderr };
  throw new Error(`exit ${code}\n${stdout}\n${stderr}`);
}
