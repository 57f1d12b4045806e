/**
 * Runs single tests of switched sources, on demand, in one process:
 * `host.ts COUNT`, with the number of mutations. It reads a request a line, and
 * answers each with a line that begins with `MARK`. A program, not to be imported:
 * it replaces `Deno.test`.
 */
import { fromFileUrl, join, toFileUrl } from "@std/path";
import { TextLineStream } from "@std/streams/text-line-stream";
import { type Answer, MARK, type Request } from "./protocol.ts";
import { Switchboard } from "./switch.ts";

interface Test {
  name: string;
  fn: (context: unknown) => unknown;
  ignore?: boolean;
  permissions?: unknown;
}

/** The functions that a test may have replaced when it fails. */
const { setTimeout, clearTimeout } = globalThis;
const write = Deno.stdout.writeSync.bind(Deno.stdout);

const root = fromFileUrl(new URL("../../", import.meta.url));
const loaded = new Map<string, Test[]>();
let collected: Test[] = [];
let stray: string | undefined;

/** Takes what `Deno.test` takes, in any of its forms. */
function collect(...parts: (string | Partial<Test> | Test["fn"])[]): void {
  const test: Partial<Test> = {};
  for (const part of parts) {
    if (typeof part === "string") test.name = part;
    else if (typeof part === "object") Object.assign(test, part);
    else {
      test.fn = part as Test["fn"];
      test.name ??= part.name;
    }
  }
  collected.push(test as Test);
}

const unsupported = () => {
  throw new Error("no such hook here");
};
// deno-lint-ignore no-explicit-any -- the type has forms that nothing needs here
(Deno as any).test = Object.assign(collect, {
  only: collect,
  ignore: () => {},
  afterAll: () => {},
  beforeAll: unsupported,
  beforeEach: unsupported,
  afterEach: unsupported,
});
Deno.exit = (code) => {
  throw new Error(`exits with ${code}`);
};

for (const kind of ["error", "unhandledrejection"] as const) {
  addEventListener(kind, (event) => {
    event.preventDefault();
    stray ??= textOf("error" in event ? event.error : event.reason);
  });
}

function textOf(error: unknown): string {
  const text = error instanceof Error
    ? `${error.name}: ${error.message}`
    : String(error);
  return text.split("\n")[0]!.slice(0, 100);
}

const context = {
  name: "",
  origin: "",
  async step(
    part: string | Test | Test["fn"],
    fn?: Test["fn"],
  ): Promise<boolean> {
    const run = typeof part === "object" ? part.fn : fn ?? part as Test["fn"];
    await run(context);
    return true;
  },
};

async function load(path: string): Promise<Test[]> {
  const known = loaded.get(path);
  if (known !== undefined) return known;
  collected = [];
  await import(toFileUrl(join(root, path)).href);
  loaded.set(path, collected);
  return collected;
}

async function answer(
  board: Switchboard,
  { path, test, mutant = 0, limitMs }: Request,
): Promise<Answer> {
  const start = performance.now();
  let names: Answer["names"] = [];
  let failure: string | undefined;
  let timer: ReturnType<typeof setTimeout> | undefined;
  try {
    const tests = await load(path);
    names = tests.map(({ name, ignore, permissions }) =>
      ignore || permissions !== undefined ? null : name
    );
    if (test !== undefined) {
      board.takeHits();
      stray = undefined;
      board.active = mutant;
      const late = new Promise<never>((_, reject) => {
        timer = setTimeout(() => reject(new Error("hangs")), limitMs);
      });
      await Promise.race([tests[test]!.fn(context), late]);
      // A promise that nobody has handled is told of after a turn.
      await new Promise<void>((resolve) => setTimeout(resolve, 0));
      failure = stray;
    }
  } catch (error) {
    failure = textOf(error);
  }
  clearTimeout(timer);
  board.active = 0;
  const ms = performance.now() - start;
  return {
    names,
    ...failure === undefined ? {} : { failure },
    ms,
    hits: mutant === 0 ? board.takeHits() : [],
  };
}

async function main(): Promise<void> {
  const board = new Switchboard(Number(Deno.args[0]));
  Object.assign(globalThis, { mutants: board });
  const lines = Deno.stdin.readable
    .pipeThrough(new TextDecoderStream())
    .pipeThrough(new TextLineStream());
  for await (const line of lines) {
    const text = JSON.stringify(await answer(board, JSON.parse(String(line))));
    const bytes = new TextEncoder().encode(`\n${MARK}${text}\n`);
    for (let at = 0; at < bytes.length;) at += write(bytes.subarray(at));
  }
}

if (import.meta.main) await main();
