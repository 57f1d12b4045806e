/** The base of the suites: each is a test of `node:test` and a line of a table. */
import { test } from "node:test";

/** The notes that a suite makes beside passing. */
export interface Context {
  /** A directory of its own. */
  readonly dir: string;
  /** Adds to its line what was measured or found. */
  note(text: string): void;
  /** Says what could not be done, and why. */
  skip(why: string): void;
}

const lines: string[] = [];

/** Registers a suite on a runtime. It passes unless it throws. */
export function suite(
  runtime: string,
  name: string,
  run: (context: Context) => Promise<void>,
): void {
  test(`${runtime}: ${name}`, async () => {
    const dir = await Deno.makeTempDir({ prefix: "mini-state-runtimes-" });
    const notes: string[] = [];
    const skipped: string[] = [];
    let outcome = "FAILED";
    try {
      await run({
        dir: await Deno.realPath(dir),
        note: (text) => void notes.push(text),
        skip: (why) => void skipped.push(why),
      });
      outcome = notes.length === 0 && skipped.length > 0 ? "" : "passed";
    } finally {
      addLine(runtime, name, `${outcome.padEnd(6)}  ${notes.join(", ")}`);
      for (const why of skipped) addLine("", "", `SKIPPED ${why}`);
      await Deno.remove(dir, { recursive: true });
    }
  });
}

/** Says why nothing is run on a runtime. */
export function missing(runtime: string, why: string): void {
  addLine(runtime, "all", `SKIPPED ${why}`);
}

/** Registers what prints what ran where. The last call of a file. */
export function table(): void {
  test("what ran where", () => {
    // deno-lint-ignore no-console -- that is what it is for
    console.log(lines.join("\n"));
  });
}

function addLine(runtime: string, name: string, text: string): void {
  const line = text.replace(/\s+/g, " ").slice(0, 160);
  lines.push(`${runtime.padEnd(28)} ${name.padEnd(20)} ${line}`.trimEnd());
}
