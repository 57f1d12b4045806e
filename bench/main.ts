/**
 * Measures the log against a floor in the same run: `deno task bench`.
 *
 * The floor of writing is one `write` and one `fsync` for as many records as
 * there are callers; the floor of reading is `JSON.parse` of each line of the
 * file read at once. What counts is the ratio: absolute numbers drift.
 */
import { join } from "@std/path";
import { MiniStore } from "@mini/state/store";

const ROUNDS = 3;
const CALLERS = [1, 8, 64, 1024];
const REPLAYED = 200_000;

interface Result {
  readonly what: string;
  readonly floor: number;
  readonly ours: number;
}

function record(index: number): unknown {
  return {
    type: "set",
    key: `component-${index % 100_000}`,
    value: { version: "1.2.3", arch: "amd64", state: "installed", size: index },
  };
}

/** How many times a second `task` does one of `count` things. */
async function perSecond(
  count: number,
  task: () => Promise<void>,
): Promise<number> {
  const start = performance.now();
  await task();
  return count / (performance.now() - start) * 1000;
}

async function floorOfAppends(
  path: string,
  callers: number,
  total: number,
): Promise<number> {
  using file = await Deno.open(path, { create: true, append: true });
  const lines = Array.from(
    { length: callers },
    (_, index) => `${JSON.stringify(record(index))}\n`,
  );
  const bytes = new TextEncoder().encode(lines.join(""));
  return await perSecond(total, async () => {
    for (let done = 0; done < total; done += callers) {
      await file.write(bytes);
      await file.sync();
    }
  });
}

async function appends(
  path: string,
  callers: number,
  total: number,
): Promise<number> {
  await using store = await MiniStore.open<unknown>(path);
  let next = 0;
  return await perSecond(total, async () => {
    await Promise.all(Array.from({ length: callers }, async () => {
      while (next < total) await store.append(record(next++));
    }));
  });
}

async function floorOfReplay(path: string): Promise<number> {
  return await perSecond(REPLAYED, async () => {
    const text = await Deno.readTextFile(path);
    for (const line of text.trimEnd().split("\n")) JSON.parse(line);
  });
}

async function replay(path: string): Promise<number> {
  return await perSecond(REPLAYED, async () => {
    for await (const _ of MiniStore.replay(path));
  });
}

async function round(directory: string, name: string): Promise<Result[]> {
  const results: Result[] = [];
  for (const callers of CALLERS) {
    const total = callers === 1 ? 500 : callers * 100;
    const at = (kind: string) => join(directory, `${name}-${callers}-${kind}`);
    const floor = await floorOfAppends(at("floor"), callers, total);
    const ours = await appends(at("ours.jsonl"), callers, total);
    results.push({ what: `durable appends, ${callers} callers`, floor, ours });
  }
  const path = join(directory, `${name}-replay.jsonl`);
  {
    const options = { sync: "never", maxSegmentBytes: 2 ** 30 } as const;
    await using store = await MiniStore.open<unknown>(path, options);
    for (let index = 0; index < REPLAYED; index++) {
      void store.append(record(index));
    }
  }
  const floor = await floorOfReplay(path);
  const ours = await replay(path);
  results.push({ what: `replay of ${REPLAYED} records`, floor, ours });
  return results;
}

function median(values: number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1]!;
}

const directory = await Deno.makeTempDir({ prefix: "mini-state-bench-" });
const rounds: Result[][] = [];
for (let index = 0; index < ROUNDS; index++) {
  rounds.push(await round(directory, String(index)));
}
await Deno.remove(directory, { recursive: true });

const { cpus } = await import("node:os");
say(
  `Deno ${Deno.version.deno}, ${cpus().length} × ${
    cpus()[0]?.model
  }, median of ${ROUNDS} rounds\n`,
);
say("ratio    ours/s     floor/s");
for (const [index, { what }] of rounds[0]!.entries()) {
  const ratio = median(
    rounds.map((results) => results[index]!.ours / results[index]!.floor),
  );
  const ours = median(rounds.map((results) => results[index]!.ours));
  const floor = median(rounds.map((results) => results[index]!.floor));
  const column = (value: number, width: number) =>
    Math.round(value).toString().padStart(width);
  say(`${ratio.toFixed(2)}  ${column(ours, 9)}  ${column(floor, 10)}  ${what}`);
}

function say(line: string): void {
  // deno-lint-ignore no-console -- it is a command
  console.log(line);
}
