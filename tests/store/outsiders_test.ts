// What somebody else does to the file that is being written.
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { MiniStore } from "@mini/state/store";
import { MemoryFileSystem } from "@mini/state/testing";
import { HoldingFileSystem } from "../support/held.ts";
import { errorOf } from "../support/journal.ts";

const PATH = "/data/journal.jsonl";

const OUTSIDERS: [
  what: string,
  said: string,
  change: (fs: MemoryFileSystem) => void,
][] = [
  ["unlinked", "was removed or renamed", (fs) => fs.unlink(PATH)],
  [
    "replaced",
    "was replaced by another file",
    (fs) => fs.put(PATH, fs.content(PATH)!),
  ],
  ["truncated", "was replaced by another file", (fs) => {
    const content = fs.content(PATH)!;
    fs.put(PATH, content.slice(0, -1));
  }],
];
for (const [what, said, change] of OUTSIDERS) {
  Deno.test(`the active file was ${what} by someone: the log is poisoned, and says so`, async () => {
    const fs = new MemoryFileSystem();
    const store = await MiniStore.open<string>(PATH, { fs });
    await store.append("before");
    change(fs);
    const error = await errorOf(store.append("lost"));
    assertEquals(error.code, "POISONED");
    assertStringIncludes(
      error.message,
      `another program changed the file: it ${said}`,
    );
    await store.close();
  });
}

for (const [what, , change] of OUTSIDERS) {
  Deno.test(`the active file was ${what} by someone while it was synced: nothing is acknowledged`, async () => {
    const memory = new MemoryFileSystem();
    const holding = new HoldingFileSystem(memory);
    const store = await MiniStore.open<string>(PATH, { fs: holding.fs });
    const syncing = holding.hold("sync");
    const lost = errorOf(store.append("lost"));
    await syncing.reached;
    change(memory);
    syncing.release();
    assertEquals((await lost).code, "POISONED");
    await store.close();
  });
}

Deno.test("the active file was replaced by one of the size that ours will have: the log is poisoned", async () => {
  const fs = new MemoryFileSystem();
  const store = await MiniStore.open<string>(PATH, { fs });
  const sizes = [];
  for (const item of ["a", "b"]) {
    await store.append(item);
    sizes.push(fs.content(PATH)!.length);
  }
  fs.put(PATH, new Uint8Array(2 * sizes[1]! - sizes[0]!));
  assertEquals((await errorOf(store.append("c"))).code, "POISONED");
  await store.close();
});

Deno.test("the active file was cut or grown in place by someone: the log is poisoned", async () => {
  for (const bytes of [new Uint8Array(0), new TextEncoder().encode("stray")]) {
    const directory = await Deno.makeTempDir();
    const path = `${directory}/journal.jsonl`;
    const store = await MiniStore.open<string>(path);
    await store.append("before");
    if (bytes.length === 0) await Deno.truncate(path, 50);
    else await Deno.writeFile(path, bytes, { append: true });
    const error = await errorOf(store.append("lost"));
    assertEquals(error.code, "POISONED");
    assertStringIncludes(error.message, " bytes instead of ");
    await store.close();
    await Deno.remove(directory, { recursive: true });
  }
});

Deno.test("the active file was cut by someone while a reader was on its way: the reader says CORRUPT", async () => {
  const fs = new MemoryFileSystem();
  const store = await MiniStore.open<string>(PATH, { fs });
  await store.append("before");
  await store.append("after");
  const lines = fs.content(PATH)!;
  fs.put(PATH, lines.slice(0, lines.lastIndexOf(0x0a, -2) + 1));
  const records = store.replay()[Symbol.asyncIterator]();
  assertEquals((await records.next()).value, { seq: 1, data: "before" });
  const error = await errorOf(records.next());
  assertEquals(error.code, "CORRUPT");
  assert(
    error.message.includes("ends before the last acknowledged"),
    error.message,
  );
  await errorOf(store.append("lost"));
  await store.close();
});

const HEADERS = ["", "// MINISTORE JOURNAL v0.1.3\n"];
for (const header of HEADERS) {
  const whose = header === "" ? "" : " of the Rust program";
  Deno.test(`the active file${whose} was cut by someone while it was opened: nothing replaces it`, async () => {
    const fs = new MemoryFileSystem();
    if (header !== "") {
      fs.put(PATH, new TextEncoder().encode(`${header}"a"\n"b"\n`));
      await (await fs.lock(`${PATH}.lock`, 0o600, ""))?.close();
    } else {
      const store = await MiniStore.open<string>(PATH, { fs });
      await store.append("a");
      await store.append("b");
      fs.restart();
    }
    const cut = fs.content(PATH)!.slice(0, -4);
    fs.hooks.before = ({ operation }) => {
      if (operation === "create") fs.put(PATH, cut);
      return undefined;
    };
    const error = await errorOf(MiniStore.open(PATH, { fs }));
    assertEquals(error.code, "IO");
    assert(error.message.includes("became shorter"), error.message);
    assertEquals(fs.content(PATH), cut);
    assertEquals(fs.names("/data"), ["journal.jsonl", "journal.jsonl.lock"]);
  });
}

Deno.test("a damaged file was cut by someone while its damage was looked for: it is CORRUPT all the same", async () => {
  const fs = new MemoryFileSystem();
  const store = await MiniStore.open<string>(PATH, { fs });
  for (const item of ["a", "b", "c"]) await store.append(item);
  fs.restart();
  const damaged = fs.content(PATH)!;
  damaged[damaged.lastIndexOf(0x62)]! ^= 1;
  fs.put(PATH, damaged);
  let opened = 0;
  fs.hooks.before = ({ operation, path }) => {
    const isLast = operation === "open" && path === PATH && ++opened === 3;
    if (isLast) fs.put(PATH, damaged.slice(0, 10));
    return undefined;
  };
  assertEquals((await errorOf(MiniStore.open(PATH, { fs }))).code, "CORRUPT");
  assertEquals(opened, 3, "the file was opened otherwise than is thought here");
});

Deno.test("what nobody waited for is not called durable where its file was replaced by someone", async () => {
  const syncing = {
    sync: (store: MiniStore<string>) => store.sync(),
    close: (store: MiniStore<string>) => store.close(),
  };
  for (const [how, sync] of Object.entries(syncing)) {
    const fs = new MemoryFileSystem();
    const store = await MiniStore.open<string>(PATH, { fs });
    await store.append("written", { durable: false });
    fs.put(PATH, fs.content(PATH)!);
    assertEquals((await errorOf(sync(store))).code, "POISONED", how);
    await store.close().catch(() => {});
  }
});

Deno.test("MiniStore.replay() ends though its directory never lists the same names twice", async () => {
  const fs = new MemoryFileSystem();
  const store = await MiniStore.open<number>(PATH, { fs });
  await store.append(1);
  await store.rotate();
  await store.append(2);
  await store.close();
  let lists = 0;
  fs.hooks.before = ({ operation }) => {
    if (operation !== "list") return undefined;
    const base = String(1_000 + lists++).padStart(20, "0");
    fs.put(`/data/journal.${base}.jsonl`, new Uint8Array(0));
    return undefined;
  };
  const records: number[] = [];
  const read = async () => {
    for await (const { data } of MiniStore.replay<number>(PATH, { fs })) {
      records.push(data);
    }
  };
  assertEquals((await errorOf(read())).code, "CORRUPT");
  assertEquals(records, [1, 2]);
  assert(lists > 10, `it looked ${lists} times`);
});

Deno.test("MiniStore.replay() finds a record beside a writer that seals a segment at every look, and removes it at the next", async () => {
  const LOOKS = 10;
  const fs = new MemoryFileSystem();
  const store = await MiniStore.open<number>(PATH, { fs });
  let lists = 0;
  class Racing extends MemoryFileSystem {
    override async list(directory: string) {
      lists++;
      const isFirstOfLook = lists % 2 === 0 && lists <= 2 * LOOKS;
      if (isFirstOfLook) await store.compact(store.sequence);
      const names = await fs.list(directory);
      if (isFirstOfLook) {
        await store.append(store.sequence + 1);
        await store.rotate();
      }
      return names;
    }
    override open = fs.open.bind(fs);
    override stat = fs.stat.bind(fs);
  }
  const range = { fs: new Racing(), from: LOOKS };
  const records = await Array.fromAsync(MiniStore.replay<number>(PATH, range));
  assertEquals(records, [{ seq: LOOKS, data: LOOKS }]);
  assert(lists > 2 * LOOKS, `it looked ${lists} times`);
  await store.close();
});

Deno.test("MiniStore.replay() of an open log says which acknowledged record has lost a sector", async () => {
  const fs = new MemoryFileSystem();
  const store = await MiniStore.open<string>(PATH, { fs });
  await store.append("a");
  await store.append("b".repeat(2_000));
  fs.put(PATH, fs.content(PATH)!.slice().fill(0, 512, 1_024));
  const error = await errorOf(Array.fromAsync(store.replay()));
  assertEquals([error.code, error.seq], ["CORRUPT", 2]);
  assert(error.message.includes("record 2 was durable"), error.message);
  await store.close().catch(() => {});
});

const RUST = "// MINISTORE JOURNAL v0.1.3\n";
for (const header of ["", RUST]) {
  for (const what of ["last line", "last newline"]) {
    const whose = header === "" ? "a log" : "a log of the Rust program";
    Deno.test(`the ${what} of ${whose} was overwritten with NULs by someone: every reader in the process says CORRUPT`, async () => {
      const fs = new MemoryFileSystem();
      if (header !== "") fs.put(PATH, new TextEncoder().encode(header));
      const store = await MiniStore.open<string>(PATH, { fs });
      for (const item of ["a", "b", "c"]) await store.append(item);
      const lines = fs.content(PATH)!.slice();
      const end = what === "last line" ? lines.lastIndexOf(0x0a, -2) + 1 : -1;
      fs.put(PATH, lines.fill(0, end));
      const readers = [store.replay(), store.replayChunks(), store.follow()];
      for (const records of readers) {
        const read = Array.fromAsync<unknown>(records);
        const { code, path, message } = await errorOf(read);
        assertEquals([code, path], ["CORRUPT", PATH]);
        const named = header === "" ? "record 3 was durable" : "is cut short";
        assert(message.includes(named), message);
      }
      await errorOf(store.append("lost"));
      await store.close();
    });
  }
}

Deno.test("MiniStore.open() refuses a damaged sealed segment that no segment follows", async () => {
  const fs = new MemoryFileSystem();
  const store = await MiniStore.open<string>(PATH, { fs });
  await store.appendBatch(["a"]);
  await store.append("b");
  await store.rotate();
  await store.close();
  const sealed = `/data/journal.${"0".repeat(20)}.jsonl`;
  const bytes = fs.content(sealed)!.slice();
  bytes[bytes.lastIndexOf(0x62)] = 0x63;
  fs.put(sealed, bytes);
  fs.unlink(PATH);
  const { code, seq } = await errorOf(MiniStore.open(PATH, { fs }));
  assertEquals([code, seq], ["CORRUPT", 2]);
});
