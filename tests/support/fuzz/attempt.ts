import { assert, assertEquals } from "@std/assert";
import { MiniError } from "@mini/state/store";
import type { MemoryFileSystem } from "@mini/state/testing";
import { DIR } from "./input.ts";

/** The codes that docs/api.txt lists. */
const CODES: ReadonlySet<string> = new Set([
  "CLOSED",
  "NOT_FOUND",
  "LOCKED",
  "CORRUPT",
  "POISONED",
  "NO_SPACE",
  "COMPACTED",
  "REWRITTEN",
  "REPLAY_FAILED",
  "UNSUPPORTED_FORMAT",
  "UNSERIALIZABLE",
  "TOO_LARGE",
  "INVALID",
  "CONFLICT",
  "ABORTED_MUTATION",
  "RECEIPT_EXPIRED",
  "DEPOSED",
  "UNAVAILABLE",
  "BUSY",
  "UNSUPPORTED",
  "PERMISSION",
  "IO",
]);

/** No task makes more calls of the file system than this on files that small. */
const MAX_CALLS = 20_000;

/** The result of a task: its value, or the code of its error. */
export type Attempt<T> =
  | { readonly value: T; readonly code?: never }
  | { readonly code: string; readonly value?: never };

/** Does something with files that may hold anything: it answers, or fails with a documented code. */
export async function attempt<T>(
  task: () => Promise<T>,
): Promise<Attempt<T>> {
  try {
    return { value: await task() };
  } catch (error) {
    if (!isRefusal(error)) throw error;
    return { code: error instanceof MiniError ? error.code : MISUSE };
  }
}

/** The code that stands for a call that makes no sense on these files, as converting what needs none. */
const MISUSE = "MISUSE";

/** Whether an error says that files are not what the call is about, or has a documented code. */
function isRefusal(error: unknown): boolean {
  if (error instanceof MiniError) return CODES.has(error.code);
  // Those of the engine name no file of ours.
  return error instanceof TypeError &&
    /"\/(data|copies)|the Rust crate/.test(error.message);
}

/** Throws unless a problem has a documented code. */
export function assertProblem(
  { code, message }: { readonly code: string; readonly message: string },
): void {
  const isKnown = CODES.has(code) || code === MISUSE && /"\//.test(message);
  assert(isKnown, `${code}: ${message}`);
}

/** Fails if a file system is asked for too much, or for what is outside of the folders of the tests. */
export function guard(fs: MemoryFileSystem): () => void {
  let calls = 0;
  let outside: string | undefined;
  fs.hooks.before = ({ path }) => {
    if (!/^\/$|^\/(data|copies)(\/[^/]+(\/[^/]+)?)?$/.test(path)) {
      outside ??= path;
    }
    return ++calls > MAX_CALLS ? { code: "EIO" } : undefined;
  };
  return () => {
    assert(calls <= MAX_CALLS, "it does not end");
    assertEquals(outside, undefined, "it went outside");
    for (const prototype of [Object.prototype, Array.prototype]) {
      assertEquals(Object.hasOwn(prototype, "polluted"), false, "polluted");
    }
  };
}

/** The content of a folder, without what a refused opening may leave or take away. */
export function contentOf(
  fs: MemoryFileSystem,
  dir: string = DIR,
): Record<string, string> {
  const decoder = new TextDecoder("latin1");
  return Object.fromEntries(
    fs.names(dir).filter((name) => !/\.(lock|tmp)$/.test(name))
      .map((name) => [name, decoder.decode(fs.content(`${dir}/${name}`))]),
  );
}

/** Does something that must change nothing if it fails, or at all. */
export async function unchanging<T>(
  fs: MemoryFileSystem,
  task: () => Promise<T>,
  isReader = false,
): Promise<Attempt<T>> {
  const before = contentOf(fs);
  const result = await attempt(task);
  if (isReader || result.code !== undefined) {
    assertEquals(contentOf(fs), before, `changed by a refusal: ${result.code}`);
  }
  return result;
}
