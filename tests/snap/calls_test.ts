// What a snapshot asks of the file system: one thing after another, to the end.
import { assert, assertEquals } from "@std/assert";
import { type SnapCodec, SnapStore } from "@mini/state/snap";
import type { FileHandle } from "@mini/state/store";
import { crashStates, MemoryFileSystem } from "@mini/state/testing";
import { errorOf } from "../support/journal.ts";

const IN_PARTS: SnapCodec<string[]> = {
  encode: (state) => state.values(),
  decode: (json) => Array.fromAsync(json as AsyncIterable<string>),
};

/** A file system each call of which takes a turn of the event loop, with the names of the calls under way. */
function slow(fs: MemoryFileSystem): {
  fs: MemoryFileSystem;
  running: string[];
  overlaps: string[];
} {
  const running: string[] = [];
  const overlaps: string[] = [];
  const call = async (name: string, make: () => Promise<unknown>) => {
    if (running.length > 0) overlaps.push(`${name} during ${running}`);
    running.push(name);
    await new Promise((resolve) => setTimeout(resolve, 0));
    try {
      const result = await make();
      return name === "open" || name === "create"
        ? wrap(result as FileHandle)
        : result;
    } finally {
      running.splice(running.indexOf(name), 1);
    }
  };
  const wrap = <T extends object>(target: T): T =>
    new Proxy(target, {
      get: (_, name) => {
        const member = Reflect.get(target, name, target);
        return typeof member !== "function"
          ? member
          : (...args: unknown[]) =>
            call(String(name), () => member.apply(target, args));
      },
    });
  return { fs: wrap(fs), running, overlaps };
}

for (const codec of [undefined, IN_PARTS]) {
  const what = codec === undefined ? "whole" : "in parts";
  Deno.test(`SnapStore makes one call of the file system after another, and waits for each, with a state ${what}`, async () => {
    const memory = new MemoryFileSystem();
    let openFiles = 0;
    memory.hooks.before = ({ operation }) => {
      if (operation === "open" || operation === "create") openFiles++;
      if (operation === "close") openFiles--;
      return undefined;
    };
    const { fs, running, overlaps } = slow(memory);
    const options = { fs, keep: 3, ...(codec && { codec }) };
    const snaps = new SnapStore<string[]>("/data", options);
    const tasks = [
      () => snaps.create(["a"], 1),
      () => snaps.create(["b"], 2, { onCaptured: () => {} }),
      () => snaps.create(["c"], 3),
      () => snaps.create(["d"], 4),
      () => snaps.restore(),
      async () => {
        memory.put(`${(await snaps.list())[0]!.path}.tmp`, new Uint8Array(1));
        await snaps.prune(1);
      },
    ];
    for (const task of tasks) {
      await task();
      assertEquals([running, overlaps, openFiles], [[], [], 0]);
    }
    assertEquals((await snaps.restore())?.state, ["d"]);
  });
}

Deno.test("SnapStore.prune() has removed snapshots for good, whatever a power cut undoes", async () => {
  const fs = new MemoryFileSystem();
  const snaps = new SnapStore<number>("/data", { fs });
  for (const seq of [1, 2]) await snaps.create(seq, seq);
  const [removed] = await snaps.prune(1);
  for (const { fs: left, label } of crashStates(fs.snapshot())) {
    assertEquals(await left.stat(removed!.path), undefined, label);
  }
});

Deno.test("SnapStore.prune() says which call has failed, and create() does without", async () => {
  const fs = new MemoryFileSystem();
  const snaps = new SnapStore<number>("/data", { fs, keep: 1 });
  const { path } = await snaps.create(1, 1);
  for (const failing of [path, `${path}.tmp`]) {
    fs.put(failing, new Uint8Array(1));
    fs.hooks.before = (call) =>
      call.operation === "remove" && call.path === failing
        ? { code: "EACCES" }
        : undefined;
    await snaps.create(2, 2);
    assertEquals((await errorOf(snaps.prune())).code, "PERMISSION");
    fs.hooks = {};
    await snaps.prune();
    assertEquals(await fs.stat(failing), undefined);
  }
});

Deno.test("SnapStore.create() lets other work run while a codec takes long over its parts", async () => {
  const fs = new MemoryFileSystem();
  let turns = 0;
  const codec: SnapCodec<string[]> = {
    *encode() {
      for (let parts = 0; parts < 10 && turns === 0; parts++) {
        const start = performance.now();
        while (performance.now() - start < 10);
        yield "x".repeat(100_000);
      }
    },
    decode: () => [],
  };
  const snaps = new SnapStore("/data", { fs, codec });
  const timer = setInterval(() => turns++, 0);
  await snaps.create([], 1);
  clearInterval(timer);
  assert(turns > 0);
});
