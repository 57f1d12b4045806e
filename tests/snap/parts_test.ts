import { assert, assertEquals, assertRejects } from "@std/assert";
import { type SnapCodec, SnapStore } from "@mini/state/snap";
import { MemoryFileSystem } from "@mini/state/testing";
import { TestDirectory } from "../support/dir.ts";
import { errorOf } from "../support/journal.ts";

const inParts: SnapCodec<Map<string, number>> = {
  *encode(state) {
    for (const [key, value] of state) yield { key, value };
  },
  async decode(json) {
    const state = new Map<string, number>();
    for await (
      const part of json as AsyncIterable<{ key: string; value: number }>
    ) {
      state.set(part.key, part.value);
    }
    return state;
  },
};

for (const size of [0, 1, 20_000]) {
  Deno.test(`SnapStore writes and restores a state in ${size} parts, one a line`, async () => {
    await using directory = new TestDirectory();
    const snaps = new SnapStore(directory.path, { codec: inParts });
    const state = new Map<string, number>();
    for (let index = 0; index < size; index++) {
      state.set(`key \n "${index}" 🦀`, index);
    }
    const { path } = await snaps.create(state, 5, { logId: "ff" });
    const text = await Deno.readTextFile(path);
    assertEquals(JSON.parse(text).parts.length, size);
    assert(text.split("\n").length >= size);
    const restored = await snaps.restore();
    assertEquals([restored?.seq, restored?.logId, restored?.state.size], [
      5,
      "ff",
      size,
    ]);
    assertEquals([...restored!.state].at(-1), [...state].at(-1));
  });
}

const COLLECTIONS = [
  { collection: new Map([["a", 1]]), what: "a Map" },
  { collection: new Set([1]), what: "a Set" },
  { collection: Uint8Array.of(1), what: "a Uint8Array" },
];

for (const { collection, what } of COLLECTIONS) {
  Deno.test(`SnapStore refuses ${what} as a state and from a codec, before the disk is touched`, async () => {
    await using directory = new TestDirectory();
    const codec: SnapCodec<unknown> = {
      encode: (state) => state,
      decode: (json) => json,
    };
    for (const options of [{}, { codec }]) {
      const snaps = new SnapStore<unknown>(directory.at("none"), options);
      const error = await errorOf(snaps.create(collection, 1));
      assertEquals(error.code, "UNSERIALIZABLE");
      assert(error.message.includes(`$: ${what}`), error.message);
      assertEquals(directory.names(), []);
    }
  });
}

Deno.test("SnapStore takes parts from a codec alone, not an iterator for a state", async () => {
  await using directory = new TestDirectory();
  const snaps = new SnapStore<unknown>(directory.at("none"));
  for (const state of [[1].values(), ReadableStream.from([1])]) {
    const error = await errorOf(snaps.create(state, 1));
    assertEquals(error.code, "UNSERIALIZABLE");
  }
  assertEquals(directory.names(), []);
});

Deno.test("SnapStore refuses a part that JSON would not keep", async () => {
  await using directory = new TestDirectory();
  const codec: SnapCodec<unknown[]> = {
    encode: (state) => state.values(),
    decode: (json) => Array.fromAsync(json as AsyncIterable<unknown>),
  };
  const snaps = new SnapStore<unknown[]>(directory.path, { codec });
  const error = await errorOf(snaps.create([1, [NaN]], 1));
  assertEquals(error.code, "UNSERIALIZABLE");
  assertEquals(directory.names(), []);
});

Deno.test("SnapStore writes parts that an iterator or an async iterable gives", async () => {
  await using directory = new TestDirectory();
  const encoders = [
    (state: string[]) => state.values(),
    (state: string[]) => ReadableStream.from(state),
  ];
  for (const encode of encoders) {
    const codec: SnapCodec<string[]> = {
      encode,
      decode: (json) => Array.fromAsync(json as AsyncIterable<string>),
    };
    const snaps = new SnapStore(directory.path, { codec });
    await snaps.create(["a", "b"], 1);
    assertEquals((await snaps.restore())?.state, ["a", "b"]);
  }
});

Deno.test("SnapStore.restore() refuses parts where there is no codec, and leaves them as they are", async () => {
  await using directory = new TestDirectory();
  const snaps = new SnapStore(directory.path, { codec: inParts });
  await snaps.create(new Map([["a", 1]]), 1);
  const names = directory.names();
  const plain = new SnapStore<unknown>(directory.path);
  assertEquals((await errorOf(plain.restore())).code, "UNSUPPORTED_FORMAT");
  assertEquals(directory.names(), names);
  assertEquals((await snaps.restore())?.state, new Map([["a", 1]]));
});

/** How many files have been opened from now on, and are open still. */
function countOpenFiles(fs: MemoryFileSystem): () => number {
  let count = 0;
  fs.hooks.before = ({ operation }) => {
    if (operation === "open") count++;
    if (operation === "close") count--;
    return undefined;
  };
  return () => count;
}

const DECODERS: Record<
  string,
  (parts: AsyncIterable<string>) => Promise<string[]>
> = {
  "all parts": (parts) => Array.fromAsync(parts),
  "the first part of a loop": async (parts) => {
    for await (const part of parts) return [part];
    return [];
  },
  "the first part by hand": async (parts) => {
    const { value } = await parts[Symbol.asyncIterator]().next();
    return [value];
  },
  "the last part, and does not ask for the end": async (parts) => {
    const iterator = parts[Symbol.asyncIterator]();
    const state: string[] = [];
    while (state.length < 3) state.push((await iterator.next()).value);
    return state;
  },
  "one part more than it waits for": async (parts) => {
    const iterator = parts[Symbol.asyncIterator]();
    const { value } = await iterator.next();
    iterator.next();
    return [value];
  },
};

for (const [what, decode] of Object.entries(DECODERS)) {
  Deno.test(`SnapStore.restore() has closed the file when the codec takes ${what}`, async () => {
    const fs = new MemoryFileSystem();
    const codec: SnapCodec<string[]> = {
      encode: (state) => state.values(),
      decode: (json) => decode(json as AsyncIterable<string>),
    };
    const snaps = new SnapStore("/data", { fs, codec });
    // Longer than the file is read in one go. The end of a read cuts a character.
    const state = ["a", "€".repeat(200_000), "c"];
    await snaps.create(state, 1);
    const openFiles = countOpenFiles(fs);
    const restored = (await snaps.restore())!.state;
    assertEquals(openFiles(), 0);
    assertEquals(restored, state.slice(0, restored.length));
  });
}

Deno.test("SnapStore.restore() has closed the file when the codec throws", async () => {
  const fs = new MemoryFileSystem();
  const codec: SnapCodec<string[]> = {
    encode: (state) => state.values(),
    decode: async (json) => {
      for await (const part of json as AsyncIterable<string>) {
        throw new Error(`no ${part}`);
      }
      return [];
    },
  };
  const snaps = new SnapStore("/data", { fs, codec });
  await snaps.create(["a", "b".repeat(300_000)], 1);
  const openFiles = countOpenFiles(fs);
  await assertRejects(() => snaps.restore(), Error, "no a");
  assertEquals(openFiles(), 0);
});

for (const fault of [undefined, { code: "ENOSPC" }]) {
  Deno.test(`SnapStore.create() is done with the state when it ${fault ? "rejects" : "resolves"}, and not before`, async () => {
    const fs = new MemoryFileSystem();
    let calls = 0;
    let isDone = false;
    const codec: SnapCodec<string[]> = {
      encode(state) {
        calls++;
        return (function* () {
          try {
            yield* state;
          } finally {
            isDone = true;
          }
        })();
      },
      decode: (json) => Array.fromAsync(json as AsyncIterable<string>),
    };
    const snaps = new SnapStore("/data", { fs, codec });
    const state = ["a".repeat(100_000), "b".repeat(100_000), "c"];
    fs.hooks.before = ({ operation }) =>
      operation === "write" ? fault : undefined;
    const created = snaps.create(state, 1).catch((error) => error);
    assertEquals([calls, isDone], [1, false]);
    await created;
    assertEquals([calls, isDone], [1, true]);
    assertEquals(fs.names("/data").length, fault ? 0 : 1);
  });
}
