// What a follower does if a call fails, or shows half a write, while it finds its place again.
import {
  assert,
  assertEquals,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import { type FileHandle, type FileSystem, MiniStore } from "@mini/state/store";
import { MemoryFileSystem } from "@mini/state/testing";
import { Follower } from "../support/follower.ts";
import { errorOf, JournalBytes } from "../support/journal.ts";

const PATH = "/data/journal.jsonl";

/** The changes to a log of one record, each of which ends with record 2. */
const CHANGES: Readonly<
  Record<string, (fs: MemoryFileSystem) => Promise<void>>
> = {
  "another file takes its place": (fs) => {
    const journal = new JournalBytes({ journal: idIn(fs) });
    fs.put(
      PATH,
      journal.add({ seq: 1, data: 1 }).add({ seq: 2, data: 2 }).bytes,
    );
    return Promise.resolve();
  },
  "it is sealed": (fs) => sealed(fs, 0),
  "it is sealed and removed": (fs) => sealed(fs, 1),
};

async function sealed(fs: MemoryFileSystem, upTo: number): Promise<void> {
  const store = await MiniStore.open<number>(PATH, { fs });
  await store.rotate();
  if (upTo > 0) await store.compact(upTo);
  await store.append(2);
  // Not closed: its marks would be what is read last.
  await store.sync();
}

function idIn(fs: MemoryFileSystem): string {
  const header = new TextDecoder().decode(fs.content(PATH)!).split("\n")[0]!;
  return JSON.parse(header).journal;
}

/** A log of one record. */
function oneRecord(): MemoryFileSystem {
  const fs = new MemoryFileSystem();
  fs.put(PATH, new JournalBytes().add({ seq: 1, data: 1 }).bytes);
  return fs;
}

/** A file system whose handles are wrapped. */
function wrapping(
  memory: MemoryFileSystem,
  wrap: (file: FileHandle) => FileHandle,
): FileSystem {
  const target: FileSystem = memory;
  return new Proxy(target, {
    get: (_, name) => {
      const member = Reflect.get(target, name, target);
      if (typeof member !== "function") return member;
      if (name !== "open") return member.bind(target);
      const open: FileSystem["open"] = async (...args) =>
        wrap(await memory.open(...args));
      return open;
    },
  });
}

const FAILING = new Set(["open", "stat", "seek", "read"]);

for (const [what, change] of Object.entries(CHANGES)) {
  Deno.test(`a follower leaves no file open whatever call fails when ${what}`, async () => {
    let hasFailed = true;
    for (let failing = 1; hasFailed; failing++) {
      const memory = oneRecord();
      const open = new Set<FileHandle>();
      const fs = wrapping(memory, (file) => {
        open.add(file);
        const close = () => {
          open.delete(file);
          return file.close();
        };
        return { ...file, close };
      });
      await using follower = new Follower<number>(PATH, { fs });
      assertEquals(await follower.next(), 1);
      await change(memory);
      let calls = 0;
      memory.hooks.before = ({ operation }) =>
        FAILING.has(operation) && ++calls === failing
          ? { code: "EIO" }
          : undefined;
      const outcome = await follower.next().catch(({ code }) => code);
      hasFailed = calls >= failing;
      assertEquals(outcome, hasFailed ? "IO" : 2);
      assert(failing > 3 || hasFailed, "the calls are made to fail");
      if (hasFailed) assertEquals(open.size, 0, `call ${failing}`);
    }
  });

  Deno.test(`a follower continues whichever read shows half a write when ${what}`, async () => {
    let isHalf = true;
    for (let half = 1; isHalf; half++) {
      const memory = oneRecord();
      let reads = -Infinity;
      const fs = wrapping(memory, (file) => ({
        ...file,
        read: async (into) => {
          const count = await file.read(into);
          // What is compared is short.
          if (count > 64 && ++reads === half) into[30]! ^= 1;
          return count;
        },
      }));
      await using follower = new Follower<number>(PATH, { fs });
      assertEquals(await follower.next(), 1);
      await change(memory);
      reads = 0;
      assertEquals(await follower.next(), 2);
      isHalf = reads >= half;
    }
  });
}

Deno.test("a follower looks at damage again after a pause, in which half a write is completed", async () => {
  const memory = oneRecord();
  let isHalf = false;
  const fs = wrapping(memory, (file) => ({
    ...file,
    read: async (into) => {
      const count = await file.read(into);
      if (!isHalf || count <= 64) return count;
      into[30]! ^= 1;
      // Nothing else of this test waits for a timer.
      setTimeout(() => isHalf = false);
      return count;
    },
  }));
  isHalf = true;
  await using follower = new Follower<number>(PATH, { fs });
  assertEquals(await follower.next(), 1);
});

Deno.test("a follower whose file cannot be closed ends with the reason of its signal all the same", async () => {
  const stop = new AbortController();
  const { signal } = stop;
  let failed = 0;
  const fs = wrapping(oneRecord(), (file) => ({
    ...file,
    async close() {
      await file.close();
      if (!signal.aborted) return;
      failed++;
      throw Object.assign(new Error("EIO"), { code: "EIO" });
    },
  }));
  const following = MiniStore.follow(PATH, { fs, signal });
  const records = following[Symbol.asyncIterator]();
  await records.next();
  stop.abort(new Error("enough"));
  await assertRejects(() => records.next(), Error, "enough");
  assertEquals(failed, 1);
});

for (const durableOnly of [false, true]) {
  Deno.test(`a follower looks no more than a few times at a file that is never the one it has opened, durableOnly ${durableOnly}`, async () => {
    const memory = new MemoryFileSystem();
    await using store = await MiniStore.open<number>(PATH, { fs: memory });
    await store.append(1);
    await store.append(2);
    let looks = 0;
    const fs: FileSystem = new Proxy<FileSystem>(memory, {
      get(target, name) {
        const member = Reflect.get(target, name, target);
        if (name !== "stat") {
          return typeof member === "function" ? member.bind(target) : member;
        }
        return async (path: string) => {
          if (++looks > 1_000) throw new Error("it looks without end");
          const found = await target.stat(path);
          return found && { ...found, identity: `${looks}` };
        };
      },
    });
    const records = MiniStore.follow(PATH, { fs, durableOnly });
    const { code, message } = await errorOf(Array.fromAsync(records));
    assertEquals(code, "IO");
    assertStringIncludes(message, "another file has its name");
  });
}
