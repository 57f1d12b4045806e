import { assert, assertEquals } from "@std/assert";
import { SnapStore } from "@mini/state/snap";
import { type FileSystemCall, MemoryFileSystem } from "@mini/state/testing";
import { errorOf } from "../support/journal.ts";

const [FIRST, SECOND] = [1, 2].map((seq) =>
  `snapshot_${String(seq).padStart(20, "0")}.json`
);

/** Makes every call of one operation fail. */
function fail(
  fs: MemoryFileSystem,
  operation: FileSystemCall["operation"],
  code = "EIO",
): void {
  fs.hooks.before = (call) =>
    call.operation === operation ? { code } : undefined;
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
  assert(error.message.includes("it is there"), error.message);
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
