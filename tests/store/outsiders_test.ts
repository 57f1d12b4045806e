// What somebody else does to the file that is being written.
import { assert, assertEquals } from "@std/assert";
import { MiniStore } from "@mini/state/store";
import { MemoryFileSystem } from "@mini/state/testing";
import { errorOf } from "../support/journal.ts";

const PATH = "/data/journal.jsonl";

const OUTSIDERS: [what: string, change: (fs: MemoryFileSystem) => void][] = [
  ["unlinked", (fs) => fs.unlink(PATH)],
  ["replaced", (fs) => fs.put(PATH, fs.content(PATH)!)],
  ["truncated", (fs) => {
    const content = fs.content(PATH)!;
    fs.put(PATH, content.slice(0, -1));
  }],
];
for (const [what, change] of OUTSIDERS) {
  Deno.test(`the active file was ${what} by someone: the log is poisoned, and says so`, async () => {
    const fs = new MemoryFileSystem();
    const store = await MiniStore.open<string>(PATH, { fs });
    await store.append("before");
    change(fs);
    const error = await errorOf(store.append("lost"));
    assertEquals(error.code, "POISONED");
    assert(
      error.message.includes("something else changed the file"),
      error.message,
    );
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
    assertEquals((await errorOf(store.append("lost"))).code, "POISONED");
    await store.close();
    await Deno.remove(directory, { recursive: true });
  }
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
