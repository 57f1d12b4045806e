/**
 * Measures the bricks against a floor and what users would pick instead, in the
 * same run: `deno task bench`, or `deno task bench --quick`.
 *
 * The floor of writing is one `write` and one `fsync` for as many records as
 * there are callers; the floor of reading is `JSON.parse` of each line of the
 * file read at once. What counts is the ratio: absolute numbers drift.
 */
import { join } from "@std/path";
import { StateManager } from "@mini/state/state";
import { MiniStore } from "@mini/state/store";
import { type Peer, type PeerLog, PEERS } from "./peers.ts";
import { type Measured, say, table } from "./report.ts";

const isQuick = Deno.args.includes("--quick");
const ROUNDS = isQuick ? 1 : 3;
const SECONDS = isQuick ? 0.5 : 1.5;
const CALLERS = [1, 8, 64, 1024];
const BATCH = 100;
const REPLAYED = isQuick ? 100_000 : 500_000;
const KEYS = 100_000;

function record(index: number): { key: string; value: unknown } {
  return {
    key: `component-${index % KEYS}`,
    value: { version: "1.2.3", arch: "amd64", state: "installed", size: index },
  };
}

/** How many records a second so many callers write, of whom each waits for its own. */
async function appendsPerSecond(
  callers: number,
  append: (index: number) => Promise<unknown> | void,
): Promise<number> {
  let count = 0;
  const start = performance.now();
  const end = start + SECONDS * 1000;
  await Promise.all(Array.from({ length: callers }, async () => {
    while (performance.now() < end) await append(++count);
  }));
  return count / (performance.now() - start) * 1000;
}

async function floorOfAppends(path: string, callers: number): Promise<number> {
  using file = await Deno.open(path, { create: true, append: true });
  const lines = Array.from(
    { length: callers },
    (_, index) => `${JSON.stringify(record(index))}\n`,
  );
  const bytes = new TextEncoder().encode(lines.join(""));
  const commits = await appendsPerSecond(1, async () => {
    await file.write(bytes);
    await file.sync();
  });
  return commits * callers;
}

async function measurePeer(
  { open }: Peer,
  dir: string,
  measure: (log: PeerLog) => Promise<number>,
): Promise<number> {
  await Deno.mkdir(dir);
  const log = await open(dir);
  try {
    return await measure(log);
  } finally {
    await log.close();
  }
}

async function appends(dir: string, callers: number): Promise<Measured> {
  const floor = await floorOfAppends(join(dir, "floor"), callers);
  const results = new Map<string, number>();
  {
    await using store = await MiniStore.open<unknown>(join(dir, "log.jsonl"));
    const rate = await appendsPerSecond(
      callers,
      (index) => store.append(record(index)),
    );
    results.set("ours", rate);
  }
  for (const peer of peers) {
    const rate = await measurePeer(
      peer,
      join(dir, peer.name),
      (log) =>
        appendsPerSecond(callers, (index) => log.append(index, record(index))),
    );
    results.set(peer.name, rate);
  }
  return { what: `durable appends, ${callers} callers`, floor, results };
}

async function batches(dir: string): Promise<Measured> {
  const floor = await floorOfAppends(join(dir, "floor"), BATCH);
  const values = Array.from({ length: BATCH }, (_, index) => record(index));
  const results = new Map<string, number>();
  {
    await using store = await MiniStore.open<unknown>(join(dir, "log.jsonl"));
    const rate = await appendsPerSecond(1, () => store.appendBatch(values));
    results.set("ours", rate * BATCH);
  }
  for (const peer of peers) {
    const rate = await measurePeer(
      peer,
      join(dir, peer.name),
      (log) =>
        appendsPerSecond(1, (index) => log.appendAll(index * BATCH, values)),
    );
    results.set(peer.name, rate * BATCH);
  }
  return { what: `durable batches of ${BATCH}`, floor, results };
}

/** Reads a log into a map of keys, as a state is made on opening. */
async function openings(dir: string): Promise<Measured> {
  const path = join(dir, "journal.jsonl");
  {
    const options = { sync: "never", maxSegmentBytes: 2 ** 30 } as const;
    await using store = await MiniStore.open<unknown>(path, options);
    for (let index = 0; index < REPLAYED; index++) {
      void store.append({ apply: record(index) });
      if (index % 10_000 === 0) await store.sync();
    }
  }
  const perSecond = async (task: () => Promise<unknown>) => {
    const start = performance.now();
    await task();
    return REPLAYED / (performance.now() - start) * 1000;
  };
  const floor = await perSecond(async () => {
    const map = new Map<string, unknown>();
    const text = await Deno.readTextFile(path);
    for (const line of text.trimEnd().split("\n")) {
      const { data } = JSON.parse(line);
      if (data !== undefined) map.set(data.apply.key, data.apply.value);
    }
  });
  const results = new Map<string, number>();
  const ours = await perSecond(async () => {
    await using _state = await StateManager.open(dir, {
      initial: () => ({} as Record<string, unknown>),
      apply: (state, { key, value }: { key: string; value: unknown }) => {
        state[key] = value;
      },
    });
  });
  results.set("ours", ours);
  for (const peer of peers) {
    const rate = await measurePeer(peer, join(dir, peer.name), async (log) => {
      for (let at = 0; at < REPLAYED; at += 1_000) {
        const values = Array.from(
          { length: 1_000 },
          (_, index) => record(at + index),
        );
        await log.appendAll(at + 1, values);
      }
      return await perSecond(async () => {
        const map = new Map<string, unknown>();
        await log.readAll((data) => {
          const { key, value } = data as { key: string; value: unknown };
          map.set(key, value);
        });
      });
    });
    results.set(peer.name, rate);
  }
  return {
    what: `opening a state of ${REPLAYED.toLocaleString("en")} records`,
    floor,
    results,
  };
}

async function round(dir: string): Promise<Measured[]> {
  const results: Measured[] = [];
  const place = async (name: string) => {
    const path = join(dir, name);
    await Deno.mkdir(path, { recursive: true });
    return path;
  };
  for (const callers of CALLERS) {
    results.push(await appends(await place(String(callers)), callers));
  }
  results.push(await batches(await place("batches")));
  results.push(await openings(await place("opening")));
  return results;
}

/** Those that can be had on this machine. */
async function availablePeers(): Promise<Peer[]> {
  const available: Peer[] = [];
  for (const peer of PEERS) {
    const dir = await Deno.makeTempDir();
    try {
      const log = await peer.open(dir);
      await log.append(1, record(1));
      await log.close();
      available.push(peer);
    } catch (error) {
      const [why] = String((error as Error).message).split("\n");
      say(`SKIPPED ${peer.name}: ${why}`);
    }
    await Deno.remove(dir, { recursive: true });
  }
  return available;
}

const peers = await availablePeers();
const rounds: Measured[][] = [];
for (let index = 0; index < ROUNDS; index++) {
  const dir = await Deno.makeTempDir({ prefix: "mini-state-bench-" });
  rounds.push(await round(dir));
  await Deno.remove(dir, { recursive: true });
}
await table(rounds, peers);
