// deno run --allow-read --allow-write=./registry examples/registry.ts ./registry
/**
 * A component registry: what was published never changes and is never gone, and
 * what the registry was like after any recent change can be looked at. Commands
 * come as arguments, or one a line on stdin:
 *
 *     publish NAME VERSION FILE [NAME@RANGE...]
 *     yank NAME VERSION REASON...
 *     resolve NAME@RANGE [CHANGE]     a package, and what it needs
 *     list [CHANGE]                   all packages
 *     check NAME VERSION FILE         is this file what was published?
 *     audit                           can every release be used?
 *     history                         what has happened
 *
 * A range is `1.2.3`, `^1.2.3` or `*`; a change is given by its number.
 */
import { type DeepReadonly, StateManager } from "@mini/state/state";
import { TextLineStream } from "@std/streams/text-line-stream";
import {
  assertNew,
  broken,
  find,
  pick,
  Refusal,
  REGISTRY,
  type Registry,
} from "./registry_model.ts";

const COMMANDS: Record<string, (...args: string[]) => unknown> = {
  publish,
  yank,
  resolve,
  list,
  check,
  audit,
  history,
};

const [dir, ...command] = Deno.args;
if (dir === undefined) {
  say("usage: registry.ts DIR [COMMAND...]");
  Deno.exit(2);
}
await using registry = await StateManager.open(dir, REGISTRY);

if (command.length > 0) Deno.exitCode = await run(command) ? 0 : 1;
else {
  const lines: ReadableStream<string> = Deno.stdin.readable
    .pipeThrough(new TextDecoderStream())
    .pipeThrough(new TextLineStream());
  for await (const line of lines) await run(line.trim().split(/\s+/));
}

/** Carries out a command; says why not, where that cannot be done. */
async function run([name = "", ...args]: readonly string[]): Promise<boolean> {
  try {
    if (!Object.hasOwn(COMMANDS, name)) {
      throw new Refusal(`there are ${Object.keys(COMMANDS).join(", ")}`);
    }
    return await COMMANDS[name]!(...args) !== false;
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    say(`refused: ${name}: ${error.message}`);
    return false;
  }
}

async function publish(
  name = "",
  version = "",
  file = "",
  ...needs: string[]
): Promise<void> {
  const release = { version, integrity: await hash(file), needs };
  // Looking and writing are one: of two who publish the same, one is refused.
  const seq = await registry.transact((packages) => {
    assertNew(packages, name, release);
    return { publish: release, name };
  });
  say(`${seq}: ${name}@${version} ${release.integrity}`);
}

async function yank(
  name = "",
  version = "",
  ...words: string[]
): Promise<void> {
  const reason = words.join(" ");
  if (reason === "") throw new Refusal("say why");
  const seq = await registry.transact((packages) => {
    find(packages, name, version);
    return { yank: version, name, reason };
  });
  say(`${seq}: ${name}@${version} is yanked: ${reason}`);
}

async function resolve(wanted = "", change?: string): Promise<void> {
  const packages = await asOf(change);
  const found = new Map<string, string>();
  const open = [wanted];
  for (const next of open) {
    const { name, release } = pick(packages, next);
    const id = `${name}@${release.version}`;
    // Two packages may need each other.
    if (!found.has(id)) open.push(...release.needs);
    found.set(id, release.integrity);
  }
  for (const [id, integrity] of found) say(`${id} ${integrity}`);
}

async function list(change?: string): Promise<void> {
  for (const [name, releases] of await asOf(change)) {
    const versions = releases.map(({ version, yanked }) =>
      yanked === undefined ? version : `(${version})`
    );
    say(`${name} ${versions.join(" ")}`);
  }
}

async function check(name = "", version = "", file = ""): Promise<boolean> {
  const { integrity, yanked } = find(registry.state, name, version);
  const isSame = integrity === await hash(file);
  const note = yanked === undefined ? "" : `, which is yanked: ${yanked}`;
  say(`${file} is ${isSame ? "" : "NOT "}${name}@${version}${note}`);
  return isSame;
}

function audit(): boolean {
  const found = broken(registry.state);
  for (const problem of found) say(problem);
  say(`${found.length} releases cannot be used`);
  return found.length === 0;
}

async function history(): Promise<void> {
  for await (const { seq, mutation } of registry.history()) {
    say(
      "publish" in mutation
        ? `${seq}: publish ${mutation.name}@${mutation.publish.version}`
        : `${seq}: yank ${mutation.name}@${mutation.yank}: ${mutation.reason}`,
    );
  }
}

/** The registry as it is, or as it was after a change. */
async function asOf(change?: string): Promise<DeepReadonly<Registry>> {
  if (change === undefined) return registry.state;
  if (!/^\d+$/.test(change) || Number(change) > registry.sequence) {
    throw new Refusal(`the changes are 0 to ${registry.sequence}`);
  }
  return await registry.at(Number(change));
}

async function hash(file: string): Promise<string> {
  try {
    const bytes = await Deno.readFile(file);
    const digest = await crypto.subtle.digest("SHA-256", bytes);
    return `sha256-${new Uint8Array(digest).toBase64()}`;
  } catch (error) {
    throw new Refusal(`cannot read "${file}": ${(error as Error).message}`);
  }
}

function say(line: string): void {
  // deno-lint-ignore no-console -- it is a command
  console.log(line);
}
