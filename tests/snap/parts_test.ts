import { assert, assertEquals } from "@std/assert";
import { type SnapCodec, SnapStore } from "@mini/state/snap";
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
    const { path } = await snaps.create(state, 5, { journal: "ff" });
    const text = await Deno.readTextFile(path);
    assertEquals(JSON.parse(text).parts.length, size);
    assert(text.split("\n").length >= size);
    const restored = await snaps.restore();
    assertEquals([restored?.seq, restored?.journal, restored?.state.size], [
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
