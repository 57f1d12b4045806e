import { assert, assertEquals, assertRejects } from "@std/assert";
import fc from "fast-check";
import { type SnapCodec, SnapStore } from "@mini/state/snap";
import type { FileSystem } from "@mini/state/store";
import { MemoryFileSystem, randomSeed } from "@mini/state/testing";
import { errorOf } from "../support/journal.ts";
import { say } from "../support/report.ts";
import { size } from "../support/size.ts";

/** Set SEED to run the same again. */
const seed = Number(Deno.env.get("SEED") ?? randomSeed());
const PATH = `/data/snapshot_${"1".padStart(20, "0")}.json`;

async function written(
  state: unknown,
  onCaptured?: () => void,
): Promise<string> {
  const fs = new MemoryFileSystem();
  const snaps = new SnapStore<unknown>("/data", { fs });
  try {
    await snaps.create(state, 1, onCaptured && { onCaptured });
  } catch (error) {
    assertEquals(fs.names("/data").filter((name) => name !== ""), []);
    return (error as Error).message;
  }
  return new TextDecoder().decode(fs.content(PATH)!);
}

Deno.test("SnapStore.create() with onCaptured writes the same, to the byte, as without", async () => {
  const values = fc.sample(fc.jsonValue({ maxDepth: 4 }), {
    seed,
    numRuns: size(20, 600),
  });
  for (const value of values) {
    const list = Array.from({ length: 1_100 }, () => value);
    const entries = list.map((item, index) => [`key "${index}"\n`, item]);
    const map = Object.fromEntries(entries);
    for (
      const state of [
        value,
        list,
        { map, value },
        [{ map: { list } }, {}],
        Object.assign(Object.create(null), map),
      ]
    ) {
      assertEquals(await written(state, () => {}), await written(state));
    }
  }
  say(
    `seed ${seed}: ${
      values.length * 5
    } states written in two ways, 0 violations`,
  );
});

Deno.test("SnapStore.create() with onCaptured refuses what JSON would not keep, and says where", async () => {
  const many = (bad: unknown) => ({
    list: Array.from(
      { length: 3_000 },
      (_, index) => index === 2_500 ? bad : index,
    ),
  });
  const holes = many(1);
  delete holes.list[2_000];
  const named = many(1);
  delete named.list[2_000];
  Object.assign(named.list, { key: 1 });
  const hidden = Object.defineProperty(many(1), "secret", { value: 1 });
  const states = [
    many(NaN),
    many(new Map()),
    many({ a: undefined }),
    holes,
    named,
    hidden,
  ];
  for (const state of states) {
    const lazily = await written(state, () => {});
    assertEquals(lazily, await written(state));
    assert(lazily.includes("$"), lazily);
  }
});

Deno.test("SnapStore.create() with onCaptured refuses a large state that contains itself", async () => {
  const state: Record<string, unknown> = {};
  state.itself = state;
  for (let index = 0; index < 1_100; index++) state[`key ${index}`] = index;
  const message = await written(state, () => {});
  assert(message.includes("nested deeper than 1000 levels"), message);
});

Deno.test("SnapStore.create() with onCaptured refuses a large list that is one level too deep", async () => {
  let state: unknown = Array(1_100).fill(1);
  for (let level = 0; level < 1_000; level++) state = [state];
  const message = await written(state, () => {});
  assert(message.includes("nested deeper than 1000 levels"), message);
});

Deno.test("SnapStore.create() says with onCaptured when the state may change again", async () => {
  const fs = new MemoryFileSystem();
  const snaps = new SnapStore<{ list: number[] }>("/data", { fs });
  const state = { list: Array.from({ length: 50_000 }, (_, index) => index) };
  const length = state.list.length;
  await snaps.create(state, 1, { onCaptured: () => state.list.push(-1) });
  assertEquals(state.list.length, length + 1);
  assertEquals((await snaps.restore())?.state.list.length, length);
});

Deno.test("SnapStore.create() with onCaptured that fails leaves nothing", async () => {
  const fs = new MemoryFileSystem();
  const snaps = new SnapStore<number[]>("/data", { fs });
  fs.hooks.before = ({ operation }) =>
    operation === "write" ? { code: "ENOSPC" } : undefined;
  const created = snaps.create([1], 1, { onCaptured: () => {} });
  assertEquals((await errorOf(created)).code, "NO_SPACE");
  assertEquals(fs.names("/data"), []);
});

/** A file system whose files forget what is written into them. */
function forgetting(fs: MemoryFileSystem): FileSystem {
  const create = fs.create.bind(fs);
  return Object.assign(fs, {
    create: async (path: string, mode: number) => ({
      ...await create(path, mode),
      write: () => Promise.resolve(),
    }),
  });
}

const LONG = [
  ["in a few values", [3, 2 ** 28]],
  ["in many values", [1_100, 2 ** 19]],
] as const;
for (const [where, [count, chars]] of LONG) {
  Deno.test(`SnapStore.create() with onCaptured refuses a state too large for one string, ${where}`, async () => {
    const fs = new MemoryFileSystem();
    const snaps = new SnapStore<string[]>("/data", { fs: forgetting(fs) });
    const state = Array.from({ length: count }).fill("x".repeat(chars));
    const created = snaps.create(state as string[], 1, {
      onCaptured: () => {},
    });
    assertEquals((await errorOf(created)).code, "TOO_LARGE");
    assertEquals(fs.names("/data"), []);
  });
}

Deno.test("SnapStore.rehearse() says of a state what create() would, and writes nothing", async () => {
  const fs = new MemoryFileSystem();
  const failing: SnapCodec<unknown> = {
    *encode() {
      yield 1;
      throw new RangeError("no more");
    },
    decode: (json) => json,
  };
  const snaps = new SnapStore<unknown>("/snaps", { fs });
  await snaps.rehearse({ value: 1 });
  const kept = await errorOf(snaps.rehearse({ value: NaN }));
  assertEquals([kept.code, await fs.stat("/snaps")], [
    "UNSERIALIZABLE",
    undefined,
  ]);
  const coded = new SnapStore<unknown>("/snaps", { fs, codec: failing });
  await assertRejects(() => coded.rehearse({}), RangeError, "no more");
});
