import { assert, assertEquals, assertStrictEquals } from "@std/assert";
import { type SnapCodec, SnapStore } from "@mini/state/snap";
import { MiniError } from "@mini/state/store";
import { type FileSystemCall, MemoryFileSystem } from "@mini/state/testing";
import { errorOf } from "../support/journal.ts";

const [FIRST, SECOND] = [1, 2].map((seq) =>
  `snapshot_${String(seq).padStart(20, "0")}.json`
);

/** Makes every call of one operation fail, or only those for one file. */
function fail(
  fs: MemoryFileSystem,
  operation: FileSystemCall["operation"],
  { code = "EIO", name = "" } = {},
): void {
  fs.hooks.before = (call) =>
    call.operation === operation && call.path.endsWith(name)
      ? { code }
      : undefined;
}

for (const operation of ["write", "sync", "read", "rename"] as const) {
  Deno.test(`SnapStore.create() leaves no file behind when ${operation} fails`, async () => {
    const fs = new MemoryFileSystem();
    const snaps = new SnapStore<number>("/data", { fs });
    await snaps.create(1, 1);
    fail(fs, operation);
    assertEquals((await errorOf(snaps.create(2, 2))).code, "IO");
    fs.hooks = {};
    assertEquals(fs.names("/data"), [FIRST]);
    assertEquals((await snaps.restore())?.state, 1);
  });
}

Deno.test("SnapStore.create() says that the snapshot is there when the directory cannot be synced", async () => {
  const fs = new MemoryFileSystem();
  const snaps = new SnapStore<number>("/data", { fs, keep: 1 });
  await snaps.create(1, 1);
  fail(fs, "syncDirectory");
  const error = await errorOf(snaps.create(2, 2));
  assertEquals(error.code, "IO");
  assert(error.message.includes("it exists"), error.message);
  fs.hooks = {};
  assertEquals(fs.names("/data"), [FIRST, SECOND]);
  assertEquals((await snaps.restore(1))?.state, 1);
});

Deno.test("SnapStore.create() succeeds when only the handle cannot be closed", async () => {
  const fs = new MemoryFileSystem();
  const snaps = new SnapStore<number>("/data", { fs });
  let isRenamed = false;
  fs.hooks.before = ({ operation }) => {
    isRenamed ||= operation === "rename";
    return isRenamed && operation === "close" ? { code: "EIO" } : undefined;
  };
  assertEquals((await snaps.create(1, 1)).seq, 1);
});

Deno.test("SnapStore.create() replaces nothing by a snapshot that reads back differently", async () => {
  const fs = new MemoryFileSystem();
  const snaps = new SnapStore<string>("/data", { fs, keep: 1 });
  await snaps.create("first", 1);
  fs.hooks.before = ({ operation, path }) => {
    if (operation !== "open" || !path.endsWith(".tmp")) return undefined;
    const text = new TextDecoder().decode(fs.content(path));
    fs.put(path, new TextEncoder().encode(text.replace("second", "secand")));
    return undefined;
  };
  for (const seq of [1, 2]) {
    const error = await errorOf(snaps.create("second", seq));
    assertEquals(error.code, "CORRUPT");
    assertEquals(fs.names("/data"), [FIRST]);
  }
  fs.hooks = {};
  assertEquals((await snaps.restore())?.state, "first");
});

Deno.test("SnapStore.create() makes the snapshot that one that was cut off had begun", async () => {
  const fs = new MemoryFileSystem();
  const snaps = new SnapStore<number>("/data", { fs });
  fs.put(`/data/${FIRST}.tmp`, new TextEncoder().encode('{\n  "mini"'));
  await snaps.create(1, 1);
  assertEquals(fs.names("/data"), [FIRST]);
  assertEquals((await snaps.restore())?.state, 1);
});

Deno.test("SnapStore.prune() removes what unfinished snapshots have left", async () => {
  const fs = new MemoryFileSystem();
  const snaps = new SnapStore<number>("/data", { fs });
  await snaps.create(1, 1);
  fs.put(`/data/${SECOND}.tmp`, new TextEncoder().encode("{"));
  fs.put("/data/journal.jsonl.tmp", new TextEncoder().encode("{"));
  assertEquals(await snaps.prune(), []);
  assertEquals(fs.names("/data"), ["journal.jsonl.tmp", FIRST]);
});

Deno.test("SnapStore.list(), restore() and prune() find nothing where there is no directory yet", async () => {
  const fs = new MemoryFileSystem();
  const snaps = new SnapStore<number>("/none", { fs });
  assertEquals([await snaps.list(), await snaps.prune()], [[], []]);
  assertEquals(await snaps.restore(), undefined);
  assertEquals(fs.names("/"), []);
});

/** Errors that a codec may throw: an error like any, one like the system's, and ones like ours. */
const THROWN = [
  new Error("no"),
  new TypeError("no"),
  Object.assign(new Error("no"), { code: "ENOENT" }),
  new MiniError("CORRUPT", "no"),
];

Deno.test("SnapStore.create() throws what a codec throws in the midst of its parts, and leaves no file", async () => {
  for (const thrown of THROWN) {
    const fs = new MemoryFileSystem();
    const codec: SnapCodec<string> = {
      *encode() {
        yield "x".repeat(100_000);
        throw thrown;
      },
      decode: () => "",
    };
    const snaps = new SnapStore("/data", { fs, codec });
    assertStrictEquals(
      await snaps.create("", 1).catch((error) => error),
      thrown,
    );
    assertEquals(fs.names("/data"), []);
  }
});

Deno.test("SnapStore.restore() throws what a codec throws, and leaves the snapshot as it is", async () => {
  for (const thrown of THROWN) {
    for (const encode of [() => "whole", () => ["in parts"].values()]) {
      const fs = new MemoryFileSystem();
      const decode = () => Promise.reject(thrown);
      const codec: SnapCodec<string> = { encode, decode };
      const snaps = new SnapStore("/data", { fs, codec });
      await snaps.create("", 1);
      assertStrictEquals(await snaps.restore().catch((error) => error), thrown);
      assertEquals(fs.names("/data"), [FIRST]);
    }
  }
});

Deno.test("SnapStore.restore() gives a failing read its code, also where a codec is reading parts", async () => {
  const fs = new MemoryFileSystem();
  const codec: SnapCodec<string[]> = {
    encode: (state) => state.values(),
    decode(json) {
      fail(fs, "read");
      return Array.fromAsync(json as AsyncIterable<string>);
    },
  };
  const snaps = new SnapStore("/data", { fs, codec });
  await snaps.create(["a"], 1);
  assertEquals((await errorOf(snaps.restore())).code, "IO");
  assertEquals(fs.names("/data"), [FIRST]);
});

Deno.test("SnapStore.list(), restore() and prune() give a failing stat its code", async () => {
  const fs = new MemoryFileSystem();
  const snaps = new SnapStore<number>("/data", { fs });
  await snaps.create(1, 1);
  fail(fs, "stat", { code: "EACCES" });
  const calls = [
    () => snaps.list(),
    () => snaps.restore(),
    () => snaps.prune(),
  ];
  for (const call of calls) {
    assertEquals((await errorOf(call())).code, "PERMISSION");
  }
});

const UNREADABLE = [
  {
    operation: "stat",
    name: "snapshot.seq",
    code: "EACCES",
    want: "PERMISSION",
  },
  {
    operation: "open",
    name: "snapshot.seq",
    code: "EACCES",
    want: "PERMISSION",
  },
  {
    operation: "open",
    name: "snapshot.json",
    code: "EACCES",
    want: "PERMISSION",
  },
  { operation: "read", name: "snapshot.json", code: "EIO", want: "IO" },
] as const;

for (const { operation, name, code, want } of UNREADABLE) {
  Deno.test(`SnapStore.restore() says ${want} where ${operation} of ${name} of the Rust crate fails`, async () => {
    const fs = await rustPair();
    const snaps = new SnapStore<number>("/data", { fs });
    fail(fs, operation, { code, name });
    assertEquals((await errorOf(snaps.restore())).code, want);
    fs.hooks = {};
    assertEquals((await snaps.restore())?.state, 28);
  });
}

for (const digits of ["", "-7", "7.5", "9007199254740993"]) {
  Deno.test(`SnapStore.restore() says CORRUPT where the number of the Rust crate is ${JSON.stringify(digits)}`, async () => {
    const fs = await rustPair();
    fs.put("/data/snapshot.seq", new TextEncoder().encode(digits));
    const snaps = new SnapStore<number>("/data", { fs });
    assertEquals((await errorOf(snaps.restore())).code, "CORRUPT");
  });
}

Deno.test("SnapStore.restore() says CORRUPT where the state of the Rust crate is missing or no JSON", async () => {
  const fs = await rustPair();
  const snaps = new SnapStore<number>("/data", { fs });
  fs.put("/data/snapshot.json", new TextEncoder().encode("{"));
  assertEquals((await errorOf(snaps.restore())).code, "CORRUPT");
  fs.unlink("/data/snapshot.json");
  assertEquals((await errorOf(snaps.restore())).code, "CORRUPT");
});

async function rustPair(): Promise<MemoryFileSystem> {
  const fs = new MemoryFileSystem();
  await fs.createDirectory("/data", 0o700);
  fs.put("/data/snapshot.json", new TextEncoder().encode("28"));
  fs.put("/data/snapshot.seq", new TextEncoder().encode("7"));
  return fs;
}
