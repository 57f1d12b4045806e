import type { AdminOptions } from "@mini/state/admin";
import { type FileSystem, MiniStore } from "@mini/state/store";
import { MemoryFileSystem } from "@mini/state/testing";
import { assert, assertEquals, assertRejects } from "@std/assert";
import { openCounter } from "./counter.ts";
import { openAndRead } from "./journal.ts";

/** Where the tests of copies have the original, and the copy. */
export const FROM = "/data/state";
export const TO = "/copies/state";

/** Every file in a directory, by name, as text. */
export function filesIn(
  fs: MemoryFileSystem,
  directory: string,
): Record<string, string> {
  return Object.fromEntries(
    fs.names(directory).map((name) => [
      name,
      new TextDecoder().decode(fs.content(`${directory}/${name}`)),
    ]),
  );
}

/** A state of several segments with two snapshots, whose value is its sequence. */
export async function makeCounter(
  fs: FileSystem,
  dir: string = FROM,
  records: number = 12,
): Promise<void> {
  await using counter = await openCounter(dir, { fs, maxSegmentBytes: 300 });
  for (let at = 1; at <= records; at++) {
    await counter.apply({ by: 1 });
    if (at % Math.ceil(records / 3) === 0 && at < records) {
      await counter.createSnapshot();
    }
  }
}

/** Fails unless the directory of a copy is empty, or opening refuses it; gives the names in it. */
export async function assertNotWhole(
  fs: MemoryFileSystem,
  dir: string = TO,
): Promise<string[]> {
  const names = fs.names(dir);
  if (names.length === 0) return names;
  // Opening must change nothing either.
  const before = filesIn(fs, dir);
  const opened = await openAndRead(`${dir}/journal.jsonl`, { fs });
  assertEquals(opened, { code: "UNSUPPORTED_FORMAT" });
  const state = await assertRejects(() => openCounter(dir, { fs }));
  assertEquals((state as { code?: string }).code, "UNSUPPORTED_FORMAT");
  const { "journal.jsonl.lock": _, ...after } = filesIn(fs, dir);
  assertEquals(after, before);
  return names;
}

/** A function of `/admin` that copies a state from one place to another. */
export type Copy = (
  from: string,
  to: string,
  options: AdminOptions,
) => Promise<{ last: number }>;

/** Stops a copy at every block that it reads: it rejects with the reason, and leaves nothing that opens. */
export async function stopAtEveryBlock(copy: Copy): Promise<number> {
  const reason = new DOMException("enough", "AbortError");
  for (let stopAt = 0;; stopAt++) {
    const fs = new MemoryFileSystem();
    await makeCounter(fs);
    const before = filesIn(fs, FROM);
    const controller = new AbortController();
    let blocks = 0;
    if (stopAt === 0) controller.abort(reason);
    const onProgress = () => {
      if (++blocks === stopAt) controller.abort(reason);
    };
    const { signal } = controller;
    const done = await copy(FROM, TO, { fs, signal, onProgress })
      .catch((error: unknown) => {
        assert(error === reason, `${error}`);
        return undefined;
      });
    assertEquals(filesIn(fs, FROM), before);
    if (done !== undefined) {
      assert(blocks < stopAt, "it ends although it was stopped");
      return stopAt;
    }
    await assertNotWhole(fs);
  }
}

/** Lets a disk be full from each call on that writes: nothing opens, and the original is as it was. */
export async function fillAtEveryCall(copy: Copy): Promise<number> {
  for (let failAt = 1;; failAt++) {
    const fs = new MemoryFileSystem();
    await makeCounter(fs);
    const before = filesIn(fs, FROM);
    let calls = 0;
    fs.hooks.before = ({ operation }) =>
      ["create", "write", "createDirectory"].includes(operation) &&
        ++calls >= failAt
        ? { code: "ENOSPC", keepBytes: 5 }
        : undefined;
    const failed = await copy(FROM, TO, { fs })
      .then(() => undefined, (error: unknown) => error);
    fs.hooks = {};
    assertEquals(filesIn(fs, FROM), before);
    if (failed === undefined) return failAt;
    assertEquals((failed as { code?: string }).code, "NO_SPACE", `${failed}`);
    await assertNotWhole(fs);
  }
}

/** The records of a log. */
export async function recordsOf(
  fs: FileSystem,
  path: string,
): Promise<unknown[]> {
  return await Array.fromAsync(
    MiniStore.replay(path, { fs }),
    ({ data }) => data,
  );
}

/** The same file system, where something happens before each file is opened. */
export function meanwhile(
  fs: FileSystem,
  step: () => Promise<unknown>,
): FileSystem {
  return new Proxy(fs, {
    get(_, name: keyof FileSystem) {
      const found = fs[name];
      if (typeof found !== "function") return found;
      const call = found.bind(fs) as (...args: unknown[]) => unknown;
      if (name !== "open") return call;
      return async (...args: unknown[]) => {
        await step();
        return await call(...args);
      };
    },
  });
}
