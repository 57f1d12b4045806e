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
import { type LogRecord, type MiniError, MiniStore } from "@mini/state/store";

/** A key that is set, or no longer; or all that are. */
type Change =
  | { readonly set: string; readonly value: unknown }
  | { readonly unset: string }
  | { readonly all: [key: string, value: unknown][] };

const COMMANDS = "set [KEY JSON] | unset KEY | get [KEY] | watch";
/** The most records before one with the whole configuration replaces them. */
const MANY = 100;
/** How long to wait for another writer. */
const PATIENCE_MS = 10_000;

const [dir = "", command, ...args] = Deno.args;
const path = join(dir, "config.jsonl");
/** The JSON of each value. */
const values = new Map<string, string>();
try {
  const asked = dir === "" ? "" : `${command} ${args.length}`;
  if (asked === "set 0") await write(input());
  else if (asked === "set 2" || asked === "unset 1") await write([args]);
  else if (asked === "get 0" || asked === "get 1") await get(args[0]);
  else if (asked === "watch 0") await watch();
  else throw new TypeError(`usage: config_store.ts DIR ${COMMANDS}`);
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
  const records = MiniStore.replay<Change>(path, { ifMissing: "empty" });
  for await (const { data } of records) update(data);
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
async function* follow(): AsyncGenerator<LogRecord<Change>, void, undefined> {
  // Before the first look, so that nothing comes in between.
  using watcher = Deno.watchFs(dir);
  const events = watcher[Symbol.asyncIterator]();
  let next: number | undefined;
  for (;;) {
    try {
      const records = MiniStore.replay<Change>(path, {
        ifMissing: "empty",
        ...(next !== undefined && { from: next }),
      });
      for await (const record of records) {
        next = record.seq + 1;
        yield record;
      }
      await events.next();
    } catch (error) {
      if ((error as MiniError).code !== "COMPACTED") throw error;
      // What is left starts with a record that says everything.
      next = undefined;
    }
  }
}

/** Takes in a change; gives the keys that have another value now. */
function update(change: Change): string[] {
  const before = new Map(values);
  if ("all" in change) values.clear();
  else if ("unset" in change) values.delete(change.unset);
  else values.set(change.set, JSON.stringify(change.value));
  for (const [key, value] of "all" in change ? change.all : []) {
    values.set(key, JSON.stringify(value));
  }
  return [...new Set([...before.keys(), ...values.keys()])]
    .filter((key) => before.get(key) !== values.get(key));
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

function say(line: string, to: "log" | "error" = "log"): void {
  // deno-lint-ignore no-console -- it is a command
  console[to](line);
}
