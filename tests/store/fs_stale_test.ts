// Files that are other ones each time that somebody looks.
import { MiniStore, systemFileSystem as fs } from "@mini/state/store";
import { assert, assertEquals, assertRejects } from "@std/assert";
import { TestDirectory } from "../support/dir.ts";
import { errorOf } from "../support/journal.ts";

Deno.test("systemFileSystem gives up on a file that is another one each time that it is opened", async () => {
  await using directory = new TestDirectory();
  const path = directory.at();
  await (await MiniStore.open(path)).close();
  const { prototype } = Deno.FsFile;
  const { statSync } = prototype;
  let ino = 1;
  prototype.statSync = function (this: Deno.FsFile) {
    return { ...statSync.call(this), ino: ++ino };
  };
  try {
    const opened = await assertRejects(() => fs.open(path, "read"), Error);
    assertEquals((opened as { code?: string }).code, "ESTALE");
    const { code, message } = await errorOf(MiniStore.open(path));
    assertEquals(code, "IO");
    assert(message.includes("another file each of 100 times"), message);
  } finally {
    prototype.statSync = statSync;
  }
});

Deno.test("systemFileSystem.lock() gives up on a file that is removed each time before it is locked", async () => {
  await using directory = new TestDirectory();
  const path = directory.at("lock");
  const { prototype } = Deno.FsFile;
  const { tryLock } = prototype;
  prototype.tryLock = function (this: Deno.FsFile, exclusive) {
    Deno.removeSync(path);
    return tryLock.call(this, exclusive);
  };
  try {
    await assertRejects(() => fs.lock(path, 0o600, "me"), Error, "ESTALE");
  } finally {
    prototype.tryLock = tryLock;
  }
});
