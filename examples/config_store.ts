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
import { TextLineStream } from "@std/streams/text-line-stream";
import type { MiniError } from "@mini/state/store";
import { type StateOptions, StateView } from "@mini/state/state";

/** A key that is set, or no longer. */
type Change =
  | { readonly set: string; readonly value: unknown }
  | { readonly unset: string };

type Config = Record<string, unknown>;

/** How the configuration is kept: what is long past goes. */
const CONFIG: StateOptions<Config, Change> = {
  initial: () => ({}),
  apply: (config, change) => {
    if ("set" in change) config[change.set] = change.value;
    else delete config[change.unset];
  },
  journal: "config.jsonl",
  snapshotEvery: 100,
  retain: { records: 100 },
};

const COMMANDS = "set [KEY JSON] | unset KEY | get [KEY] | watch";
/** How long to wait for another writer. */
const PATIENCE_MS = 10_000;

const [dir = "", command, ...args] = Deno.args;
try {
  const asked = dir === "" ? "" : `${command} ${args.length}`;
  if (asked === "set 0") await write(input());
  else if (asked === "set 2" || asked === "unset 1") await write([args]);
  else if (asked === "get 0" || asked === "get 1") await get(args[0]);
  else if (asked === "watch 0") await watch();
  else throw new TypeError(`usage: config_store.ts DIR ${COMMANDS}`);
} catch (error) {
  const { code, message } = error as MiniError;
  say(
    code === "NOT_FOUND"
      ? `there is no configuration in "${dir}" yet`
      : message,
    "error",
  );
  Deno.exitCode = 2;
}

async function write(
  lines: AsyncIterable<string[]> | string[][],
): Promise<void> {
  await using view = await StateView.open(dir, {
    ...CONFIG,
    ifMissing: "empty",
  });
  // Waits its turn.
  await using config = await view.promote({ waitMs: PATIENCE_MS });
  for await (const [key, json] of lines) {
    say(`${await config.apply(change(key, json))} ${key} is durable`);
  }
}

async function get(key?: string): Promise<void> {
  await using view = await StateView.open(dir, {
    ...CONFIG,
    ifMissing: "empty",
  });
  for (const [name, value] of Object.entries(view.state)) {
    if (key === undefined) say(`${name} ${JSON.stringify(value)}`);
    else if (key === name) return say(JSON.stringify(value));
  }
  if (key !== undefined) Deno.exitCode = 1;
}

async function watch(): Promise<void> {
  await using view = await StateView.open(dir, CONFIG);
  let before: Config = {};
  for await (const now of view.select((config) => config)) {
    for (const key of new Set([...Object.keys(before), ...Object.keys(now)])) {
      const value = JSON.stringify(now[key]);
      if (value === JSON.stringify(before[key])) continue;
      say(`${view.sequence} ${key} ${value ?? "is not set"}`);
    }
    before = now;
  }
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
