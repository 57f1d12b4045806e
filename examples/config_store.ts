// deno run --allow-read=./config --allow-write=./config examples/config_store.ts ./config set KEY JSON
// deno run --allow-read=./config examples/config_store.ts ./config watch
/**
 * A configuration that one program at a time writes, and any number of others
 * read while it does:
 *
 *     set KEY JSON      without them: `KEY JSON` or `KEY` a line, from stdin
 *     unset KEY
 *     get [KEY]
 *     watch             what is set, then every change at once
 *
 * Readers take no lock and need no permission but to read. What they see was
 * written; it is durable when the writer says so.
 */
import { join } from "@std/path";
import { TextLineStream } from "@std/streams/text-line-stream";
import { type MiniError, MiniStore, type StoreRecord } from "@mini/state/store";

/** A key that is set, or no longer; or all that are. */
type Change =
  | { readonly set: string; readonly value: unknown }
  | { readonly unset: string }
  | { readonly all: [key: string, value: unknown][] };

/** Beyond so many records, one that says everything takes their place. */
const MANY = 100;
/** How long to wait for another writer. */
const PATIENCE_MS = 10_000;

const [dir = "", command, ...args] = Deno.args;
const path = join(dir, "config.jsonl");
/** The JSON of each value. */
const values = new Map<string, string>();
try {
  const [key, json, ...rest] = args;
  if (rest.length > 0 || dir === "") refuse();
  else if (command === "set" && key === undefined) await write(input());
  else if (command === "set" && json !== undefined) await write([args]);
  else if (command === "unset" && key && json === undefined) {
    await write([args]);
  } else if (command === "get" && json === undefined) await get(key);
  else if (command === "watch" && key === undefined) await watch();
  else refuse();
} catch (error) {
  const message = error instanceof Deno.errors.NotFound
    ? `there is no configuration in "${dir}" yet`
    : (error as Error).message;
  say(message, "error");
  Deno.exitCode = 2;
}

async function write(
  lines: AsyncIterable<string[]> | string[][],
): Promise<void> {
  await using store = await openForWriting();
  for await (const [key, json] of lines) {
    const seq = await store.append(change(key, json));
    if (seq - store.firstSequence >= MANY) await shorten(store);
    say(`${seq} ${key} is durable`);
  }
}

/** Puts one record in place of all. Killed in between, nothing is lost, and the next writer does it. */
async function shorten(store: MiniStore<Change>): Promise<void> {
  for await (const { data } of store.replay()) update(data);
  const all = Array.from(
    values,
    ([key, json]): [string, unknown] => [key, JSON.parse(json)],
  );
  await store.rotate();
  await store.compact(await store.append({ all }) - 1);
}

/** Waits its turn. */
async function openForWriting(): Promise<MiniStore<Change>> {
  const deadline = performance.now() + PATIENCE_MS;
  for (;;) {
    try {
      return await MiniStore.open<Change>(path);
    } catch (error) {
      const isLocked = (error as MiniError).code === "LOCKED";
      if (!isLocked || performance.now() > deadline) throw error;
      await new Promise((wake) => setTimeout(wake, 20));
    }
  }
}

async function get(key?: string): Promise<void> {
  for await (const { data } of MiniStore.replay<Change>(path)) update(data);
  if (key === undefined) {
    for (const [key, json] of values) say(`${key} ${json}`);
  } else if (values.has(key)) say(values.get(key)!);
  else Deno.exitCode = 1;
}

async function watch(): Promise<void> {
  for await (const { seq, data } of follow()) {
    for (const key of update(data)) {
      say(`${seq} ${key} ${values.get(key) ?? "is not set"}`);
    }
  }
}

/** The records that another process has written, then those that it writes. */
async function* follow(): AsyncGenerator<StoreRecord<Change>, void, undefined> {
  // Before the first look, so that nothing comes in between.
  using watcher = Deno.watchFs(dir);
  const events = watcher[Symbol.asyncIterator]();
  let next: number | undefined;
  for (;;) {
    try {
      const range = next === undefined ? {} : { from: next };
      for await (const record of MiniStore.replay<Change>(path, range)) {
        next = record.seq + 1;
        yield record;
      }
      // That it was read is an event as well.
      while ((await events.next()).value.kind === "access");
    } catch (error) {
      if ((error as MiniError).code !== "COMPACTED") throw error;
      // What is left starts with a record that says everything.
      next = undefined;
    }
  }
}

/** Takes in a change; gives the keys that have another value now. */
function update(change: Change): string[] {
  const now = new Map("all" in change ? [] : values);
  if ("unset" in change) now.delete(change.unset);
  const set = "all" in change
    ? change.all
    : "set" in change
    ? [[change.set, change.value]] as const
    : [];
  for (const [key, value] of set) now.set(key, JSON.stringify(value));
  const keys = new Set([...values.keys(), ...now.keys()]);
  const changed = [...keys].filter((key) => values.get(key) !== now.get(key));
  for (const key of changed) values.delete(key);
  for (const [key, json] of now) values.set(key, json);
  return changed;
}

function change(key = "", json?: string): Change {
  if (!/^[a-z][a-z0-9_.-]{0,99}$/.test(key)) {
    throw new TypeError(`"${key}" is no key: a to z, 0 to 9, ".", "_" and "-"`);
  }
  if (json === undefined) return { unset: key };
  try {
    return { set: key, value: JSON.parse(json) };
  } catch {
    throw new TypeError(`the value of ${key} is no JSON: ${json}`);
  }
}

async function* input(): AsyncGenerator<string[], void, undefined> {
  const lines: ReadableStream<string> = Deno.stdin.readable
    .pipeThrough(new TextDecoderStream())
    .pipeThrough(new TextLineStream());
  for await (const line of lines) {
    const [, key = "", json] = /^(\S*)(?:\s+(.*))?$/.exec(line) ?? [];
    yield json === undefined ? [key] : [key, json];
  }
}

function refuse(): never {
  throw new TypeError(
    "usage: config_store.ts DIR set [KEY JSON] | unset KEY | get [KEY] | watch",
  );
}

function say(line: string, to: "log" | "error" = "log"): void {
  // deno-lint-ignore no-console -- it is a command
  console[to](line);
}
