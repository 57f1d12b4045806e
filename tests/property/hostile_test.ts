import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { assert, assertEquals } from "@std/assert";
import { SnapStore } from "@mini/state/snap";
import { StateManager, type StateOptions, StateView } from "@mini/state/state";
import { MiniError, MiniStore } from "@mini/state/store";
import {
  type DiskSnapshot,
  MemoryFileSystem,
  Random,
  randomSeed,
} from "@mini/state/testing";
import { TestDirectory } from "../support/dir.ts";
import { damage } from "../support/hostile.ts";
import { tryQueue, wholeQueue } from "../support/hostile_queue.ts";
import { openAndRead } from "../support/journal.ts";
import { say } from "../support/report.ts";
import { size } from "../support/size.ts";

const FOLDERS = size(300, 100_000);
const seed = Number(Deno.env.get("SEED") ?? randomSeed());

/** So much may be in use at any time, with what a few folders have left to be collected. */
const LIMIT_MIB = 600;
const FOLDERS_PER_COLLECTION = 100;

setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc") as () => void;

const OPTIONS: StateOptions<unknown[], unknown> = {
  initial: () => [],
  apply: (items, item) => {
    // A snapshot that somebody has made up may hold anything.
    if (Array.isArray(items)) items.push(item);
  },
};
/** The same by code that leaves the state as it is. */
const UNCHANGED: StateOptions<unknown[], unknown> = {
  ...OPTIONS,
  immutable: "checked",
  apply: (items, item) => Array.isArray(items) ? [...items, item] : items,
};
const ITEMS = [1, 2, 3, 4, 5, 6, 7, 8];

async function wholeFolder(): Promise<DiskSnapshot> {
  const fs = new MemoryFileSystem();
  const manager = await StateManager.open("/data", { ...OPTIONS, fs });
  for (const item of ITEMS) {
    await manager.apply(item);
    if (item % 3 === 0) await manager.compact();
  }
  await manager.close();
  return fs.snapshot();
}

/** The paths of a folder, and of an inbox in it. */
const INSIDE = /^\/data(\/(inbox\/(refused\/)?)?[^/]+)?$/;

type Verdict = "whole" | "a beginning" | "something" | string;

/** Everything that can be done with a folder; gives what was found, or the code of the error. */
async function tryAll(
  fs: MemoryFileSystem,
  { isQueue, isStandby, options }: {
    readonly isQueue: boolean;
    readonly isStandby: boolean;
    readonly options: StateOptions<unknown[], unknown>;
  },
): Promise<Verdict[]> {
  const verdicts: Verdict[] = [];
  const attempt = async (task: () => Promise<Verdict>) => {
    try {
      verdicts.push(await task());
    } catch (error) {
      if (!(error instanceof MiniError)) throw error;
      verdicts.push(error.code);
    }
  };
  if (isQueue) {
    await tryQueue(fs, attempt);
    return verdicts;
  }
  const path = "/data/journal.jsonl";
  await attempt(async () => {
    let count = 0;
    const records = MiniStore.replay(path, { fs, ifMissing: "empty" });
    for await (const _ of records) count++;
    return count > 0 ? "something" : "nothing";
  });
  await attempt(async () => {
    const found = await new SnapStore("/data", { fs }).restore();
    return found === undefined ? "nothing" : "something";
  });
  let shown: Verdict | undefined;
  await attempt(async () => {
    await using view = await StateView.open("/data", { ...options, fs });
    return shown = verdictOf(view.state);
  });
  await attempt(async () => {
    const manager = isStandby
      ? await promoted(fs, options)
      : await StateManager.open("/data", { ...options, fs });
    try {
      const found = Array.isArray(manager.state) ? [...manager.state] : [{}];
      // A view shows nothing that opening does not find.
      if (shown === "something" && verdictOf(found) !== shown) {
        throw new Error("a view shows something else");
      }
      await manager.apply("after");
      await manager.createSnapshot();
      await manager.compact();
      return verdictOf(found);
    } finally {
      await manager.close();
    }
  });
  return verdicts;
}

/** Opens the state as a standby does that takes over. */
async function promoted(
  fs: MemoryFileSystem,
  options: StateOptions<unknown[], unknown>,
): Promise<StateManager<unknown[], unknown>> {
  await using view = await StateView.open("/data", { ...options, fs });
  return await view.promote();
}

function verdictOf(found: unknown): Verdict {
  if (!Array.isArray(found)) return "something";
  const isBeginning = found.every((item, index) => item === ITEMS[index]);
  if (!isBeginning) return "something";
  return found.length === ITEMS.length ? "whole" : "a beginning";
}

Deno.test("no folder, whatever is in it, gives anything but a MiniError or a beginning of what was there", async () => {
  const [whole, queue] = [await wholeFolder(), await wholeQueue()];
  let mostMib = 0;
  const counts: Record<string, number> = {};
  for (let index = 0; index < FOLDERS; index++) {
    const [isQueue, isStandby] = [index % 3 === 0, index % 5 === 0];
    const options = index % 4 < 2 ? OPTIONS : UNCHANGED;
    const fs = new MemoryFileSystem(isQueue ? queue : whole);
    fs.restart();
    const { what, isForged } = damage(fs, new Random(seed + index));
    const label = `SEED=${seed + index} shows it first: ${what}`;
    let outside: string | undefined;
    fs.hooks.before = ({ path }) => {
      if (!INSIDE.test(path)) outside = path;
      return undefined;
    };
    let verdicts: Verdict[];
    try {
      verdicts = await tryAll(fs, { isQueue, isStandby, options });
    } catch (error) {
      throw new Error(label, { cause: error });
    }
    assertEquals(outside, undefined, label);
    assertEquals(Object.hasOwn(Object.prototype, "polluted"), false, label);
    const verdict = verdicts.at(-1)!;
    if (!isForged) assert(!verdicts.slice(-2).includes("something"), label);
    counts[verdict] = (counts[verdict] ?? 0) + 1;
    if (index % FOLDERS_PER_COLLECTION === 0) collect();
    mostMib = Math.max(mostMib, mibInUse());
  }
  const list = Object.entries(counts).sort(([a], [b]) => a < b ? -1 : 1)
    .map(([verdict, count]) => `${count} ${verdict}`).join(", ");
  say(
    `seed ${seed}: ${FOLDERS} hostile folders: ${list}; ` +
      `at most ${mostMib.toFixed(0)} MiB in use, 0 violations`,
  );
  assert(mostMib < LIMIT_MIB, `${mostMib} MiB`);
});

/** The memory that this isolate uses; other tests may run beside it in the process. */
function mibInUse(): number {
  const { heapUsed, external } = Deno.memoryUsage();
  return (heapUsed + external) / 2 ** 20;
}

/** Names that people give, by accident or not. */
const NAMES = [
  "with blanks .jsonl",
  "journal",
  ".hidden",
  "..jsonl",
  "a.b.c.jsonl",
  "%2e%2e%2fescape.jsonl",
  "__proto__",
  "\u{1f4a5}\u0301.jsonl",
  "line\nbreak.jsonl",
  "glob*[?].jsonl",
  "$(reboot).jsonl",
  "journal.00000000000000000000.jsonl",
  "nul\0.jsonl",
  "x".repeat(240) + ".jsonl",
  "x".repeat(300) + ".jsonl",
];

Deno.test("a journal of any name works in its folder, or is refused", async () => {
  let refused = 0;
  for (const name of NAMES) {
    await using directory = new TestDirectory();
    const dir = directory.at("inside");
    const path = `${dir}/${name}`;
    try {
      await using store = await MiniStore.open<string>(path);
      await store.append("a");
      await store.rotate();
      await store.append("b");
    } catch (error) {
      const isRefusal = error instanceof TypeError ||
        error instanceof MiniError && error.code === "IO";
      assert(isRefusal, `${name}: ${error}`);
      refused++;
    }
    const opened = await openAndRead(path).catch(() => ({ code: "TypeError" }));
    if ("data" in opened) assertEquals(opened.data, ["a", "b"], name);
    assert(directory.names().every((found) => found === "inside"), name);
  }
  say(`${NAMES.length} odd names: ${refused} verdicts that refuse`);
});
