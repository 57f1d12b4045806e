import { assert, assertEquals } from "@std/assert";
import {
  adopt,
  backup,
  convert,
  repair,
  salvage,
  stat,
  verify,
} from "@mini/state/admin";
import { SnapStore } from "@mini/state/snap";
import { StateManager, StateView } from "@mini/state/state";
import { MiniStore } from "@mini/state/store";
import { MemoryFileSystem } from "@mini/state/testing";
import { attempt, unchanging } from "./attempt.ts";
import { DIR, JOURNAL } from "./input.ts";

const COPY = "/copies/copy";

/** Reads the log from outside; changes nothing. */
async function readAll(
  fs: MemoryFileSystem,
  path: string,
): Promise<unknown[]> {
  return await Array.fromAsync(
    MiniStore.replay<unknown>(path, { fs }),
    ({ seq, data }) => [seq, data],
  );
}

/** Opening: it refuses and changes nothing, and `verify` says so; or it works, and keeps what was read. */
export async function recovery(fs: MemoryFileSystem): Promise<void> {
  const names = fs.names(DIR);
  const read = await unchanging(fs, () => readAll(fs, JOURNAL), true);
  const checked = await unchanging(fs, () => verify(JOURNAL, { fs }), true);
  await unchanging(fs, () => stat(JOURNAL, { fs }), true);
  const opened = await unchanging(
    fs,
    () => MiniStore.open<unknown>(JOURNAL, { fs, maxSegmentBytes: 2_000 }),
  );
  // What a snapshot stands for, opening a log does not know; what verify finds is not about the lock.
  if (!names.some((name) => /^snapshot_|\.lock$/.test(name))) {
    const blocked = checked.value?.findings.some((found) => found.blocksOpen);
    const isFine = checked.code === "NOT_FOUND" || blocked === false;
    assertEquals(
      isFine,
      opened.code === undefined,
      `${opened.code}, verify: ${checked.code} ${blocked}`,
    );
  }
  if (opened.value === undefined) {
    // A reader judges as opening does.
    return assert(opened.code !== "CORRUPT" || read.code !== undefined);
  }
  const records: unknown[] = [];
  {
    await using store = opened.value;
    for await (const { seq, data } of store.replay()) records.push([seq, data]);
    if (read.value !== undefined) assertEquals(records, read.value);
    if (store.sequence === Number.MAX_SAFE_INTEGER) return;
    const added = await attempt(() => store.append("added"));
    if (added.value !== undefined) records.push([added.value, "added"]);
    await attempt(() => store.rotate());
    await attempt(() => useConsumers(store));
  }
  await using again = await MiniStore.open<unknown>(JOURNAL, { fs });
  const found = await Array.fromAsync(
    again.replay(),
    ({ seq, data }) => [seq, data],
  );
  assertEquals(found, records);
  await attempt(() => again.compact(again.sequence));
}

async function useConsumers(store: MiniStore<unknown>): Promise<void> {
  for (const { name } of await store.consumers()) {
    await attempt(async () => {
      await using consumer = await store.consumer(name);
      if (consumer.lag === 0) return;
      for await (const { seq } of consumer.follow()) {
        await consumer.commit(seq);
        if (seq === store.sequence) break;
      }
    });
    await store.removeConsumer(name);
  }
}

/** Where a copy has its journal: it is one, if the original is no directory. */
async function journalIn(fs: MemoryFileSystem): Promise<string> {
  const isFile = (await fs.stat(COPY))?.kind === "file";
  return isFile ? COPY : `${COPY}/journal.jsonl`;
}

const COPIES: Record<string, (fs: MemoryFileSystem) => Promise<void>> = {
  async salvage(fs) {
    const report = await salvage(DIR, COPY, { fs });
    if (!report.hasLog) return;
    const journal = await journalIn(fs);
    const { findings } = await verify(COPY, { fs });
    assertEquals(findings.filter(({ blocksOpen }) => blocksOpen), []);
    assertEquals((await readAll(fs, journal)).length, report.records);
    if (journal !== COPY) {
      const opened = await attempt(() => openState(fs, COPY));
      await opened.value?.close();
      // What its records mean is another matter.
      const isRefused = opened.code === "CORRUPT";
      if (report.snapshot !== null) assertEquals(isRefused, !report.opens);
      else if (!report.opens) assert(isRefused, opened.code);
    }
    await assertOpens(fs, journal);
  },
  async backup(fs) {
    await backup(DIR, COPY, { fs });
    await verify(COPY, { fs });
  },
  async convert(fs) {
    await convert(DIR, COPY, { fs });
    await assertOpens(fs, await journalIn(fs));
  },
  async adopt(fs) {
    await adopt(JOURNAL, COPY, { fs });
    await assertOpens(fs, await journalIn(fs));
  },
};

/** Every way to mend a log: the original stays as it was, and what is made is good. */
export async function mending(fs: MemoryFileSystem): Promise<void> {
  const source = fs.snapshot();
  for (const [name, copy] of Object.entries(COPIES)) {
    const files = new MemoryFileSystem(source);
    files.hooks.before = fs.hooks.before!;
    try {
      await unchanging(files, () => copy(files), true);
    } catch (error) {
      throw new Error(name, { cause: error });
    }
  }
  const mended = await attempt(() => repair(JOURNAL, { fs }));
  if (!mended.value?.needed) return;
  assert(mended.value.repaired);
  const { findings } = await verify(JOURNAL, { fs });
  const blocking = findings.filter(({ blocksOpen }) => blocksOpen);
  // Only another copy has records that are missing before the log.
  const isCut = blocking.some(({ remedy }) => remedy === "restore-copy");
  if (!isCut) assertEquals(blocking, []);
  if (mended.value.snapshots === 0) return await assertOpens(fs, JOURNAL);
  // A snapshot may stand for what is damaged.
  const opened = await attempt(() => openState(fs, DIR));
  await opened.value?.close();
  assert(isCut || opened.code !== "CORRUPT", "what was repaired");
}

async function assertOpens(fs: MemoryFileSystem, path: string): Promise<void> {
  await using store = await MiniStore.open<unknown>(path, { fs });
  for await (const _ of store.replay());
}

/** A state that bears any snapshot and any mutation. */
const STATE = {
  initial: (): unknown => ({ items: [] }),
  apply: (state: unknown, mutation: unknown): unknown => ({ state, mutation }),
  immutable: true,
  retain: { records: 3 },
};

function openState(
  fs: MemoryFileSystem,
  dir: string,
): Promise<StateManager<unknown, unknown>> {
  return StateManager.open(dir, { ...STATE, fs });
}

/** A state from snapshots and a log: it is refused, or there again after it was closed. */
export async function states(fs: MemoryFileSystem): Promise<void> {
  const snaps = new SnapStore<unknown>(DIR, { fs, readOnly: true });
  await unchanging(fs, () => snaps.list(), true);
  await unchanging(fs, () => snaps.restore(), true);
  const seen = await unchanging(fs, async () => {
    await using view = await StateView.open(DIR, { ...STATE, fs });
    return [view.sequence, view.state];
  }, true);
  const opened = await attempt(() => openState(fs, DIR));
  if (opened.value === undefined) return;
  let state: unknown;
  let sequence = 0;
  {
    await using manager = opened.value;
    if (seen.value !== undefined) {
      assertEquals([manager.sequence, manager.state], seen.value);
    }
    await attempt(() => Array.fromAsync(manager.history()));
    await attempt(() => manager.at(Math.max(0, manager.sequence - 1)));
    await attempt(() => manager.apply("added"));
    await attempt(() => manager.createSnapshot());
    await attempt(() => manager.compact());
    ({ state, sequence } = manager);
  }
  await using again = await openState(fs, DIR);
  assertEquals([again.sequence, again.state], [sequence, state]);
}
