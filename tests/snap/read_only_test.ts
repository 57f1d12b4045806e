import { assertEquals, assertRejects } from "@std/assert";
import { SnapStore } from "@mini/state/snap";
import { MemoryFileSystem } from "@mini/state/testing";
import { HoldingFileSystem } from "../support/held.ts";

/** The calls that change anything. */
const WRITES = /^(create|write|truncate|rename|remove|sync\w*|lock|own)$/;

Deno.test("SnapStore with readOnly restores, passes damage over, and changes nothing", async () => {
  const fs = new MemoryFileSystem();
  const writer = new SnapStore<string>("/data", { fs });
  await writer.create("older", 1);
  const { path } = await writer.create("newer", 2);
  fs.put(path, new TextEncoder().encode("not a snapshot any more"));
  fs.hooks.before = ({ operation }) =>
    WRITES.test(operation) ? { code: "EROFS" } : undefined;
  const reader = new SnapStore<string>("/data", { fs, readOnly: true });
  for (let round = 0; round < 2; round++) {
    const restored = await reader.restore();
    assertEquals([restored?.state, restored?.seq], ["older", 1]);
    assertEquals(restored?.rejected.map(({ path }) => path), [path]);
  }
  // However often it is passed over.
  assertEquals(reader.rejected.map(({ path }) => path), [path]);
  assertEquals((await reader.list()).map(({ seq }) => seq), [1, 2]);
});

Deno.test("SnapStore with readOnly starts again where newer snapshots have taken the place of the one it reads", async () => {
  const fs = new MemoryFileSystem();
  const writer = new SnapStore<string>("/data", { fs, keep: 1 });
  await writer.create("older", 1);
  await writer.create("old", 2);
  const holding = new HoldingFileSystem(fs);
  const options = { fs: holding.fs, readOnly: true };
  const reader = new SnapStore<string>("/data", options);
  const listed = holding.hold("list");
  const restoring = reader.restore();
  await listed.reached;
  await writer.create("new", 3);
  listed.release();
  const restored = await restoring;
  assertEquals([restored?.state, restored?.seq], ["new", 3]);
  assertEquals(reader.rejected, []);
});

Deno.test("SnapStore with readOnly starts again where the snapshot that it opens has just gone", async () => {
  const fs = new MemoryFileSystem();
  const writer = new SnapStore<string>("/data", { fs, keep: 1 });
  const old = await writer.create("old", 2);
  const bytes = fs.content(old.path)!;
  const { path } = await writer.create("new", 3);
  const newest = fs.content(path)!;
  fs.unlink(path);
  fs.put(old.path, bytes);
  fs.hooks.before = (call) => {
    if (call.operation !== "open" || call.path !== old.path) return undefined;
    fs.unlink(old.path);
    fs.put(path, newest);
    return undefined;
  };
  const reader = new SnapStore<string>("/data", { fs, readOnly: true });
  const restored = await reader.restore();
  assertEquals([restored?.state, restored?.seq], ["new", 3]);
  assertEquals(reader.rejected, []);
});

Deno.test("SnapStore with readOnly makes and removes no snapshot", async () => {
  const fs = new MemoryFileSystem();
  const reader = new SnapStore<string>("/data", { fs, readOnly: true });
  await assertRejects(() => reader.create("x", 1), TypeError, "readOnly");
  await assertRejects(() => reader.prune(), TypeError, "readOnly");
  assertEquals(await reader.restore(), undefined);
  assertEquals(await fs.stat("/data"), undefined);
});

Deno.test("SnapStore leaves out a snapshot that is listed and never there", async () => {
  const fs = new MemoryFileSystem();
  const writer = new SnapStore<string>("/data", { fs });
  await writer.create("there", 1);
  const { path } = await writer.create("gone", 2);
  const stat = fs.stat.bind(fs);
  fs.stat = (asked) =>
    asked === path ? Promise.resolve(undefined) : stat(asked);
  const reader = new SnapStore<string>("/data", { fs, readOnly: true });
  assertEquals((await reader.list()).map(({ seq }) => seq), [1]);
  assertEquals((await reader.restore())?.state, "there");
});
