// What Deno lets a process do for the owner of a file.
import { assert, assertEquals } from "@std/assert";
import { systemFileSystem } from "@mini/state/store";
import { TestDirectory } from "../support/dir.ts";

/** Has a directory look as if it were that of another group. */
function giveAway(directory: string): () => void {
  const { lstatSync } = Deno;
  Deno.lstatSync = (path) => {
    const found = lstatSync(path);
    const isIt = path === directory && found.gid !== null;
    return isIt ? { ...found, gid: found.gid! + 1 } : found;
  };
  return () => {
    Deno.lstatSync = lstatSync;
  };
}

Deno.test("systemFileSystem.createDirectory() gives what it makes to the owner of the one above, and nothing older", async () => {
  await using directory = new TestDirectory();
  const { now } = Date;
  const made = await Deno.stat(directory.path);
  const restore = giveAway(directory.path);
  try {
    await systemFileSystem.createDirectory(directory.at("new"), 0o700);
    Date.now = () => now() + 60_000;
    await systemFileSystem.createDirectory(directory.at("old"), 0o700);
  } finally {
    restore();
    Date.now = now;
  }
  const { gid } = await Deno.stat(directory.at("new"));
  // Only root, and members of that group, may.
  assert([made.gid, made.gid! + 1].includes(gid), String(gid));
  assertEquals((await Deno.stat(directory.at("old"))).gid, made.gid);
});

Deno.test("systemFileSystem: a file that is given what nobody may give stays as it was", async () => {
  await using directory = new TestDirectory();
  const file = await systemFileSystem.create(directory.at(), 0o600);
  const before = await file.stat();
  // Nor is another that has its name by now.
  const like = { ...before, uid: 2 ** 40, gid: 2 ** 40 };
  await file.own?.(like);
  await systemFileSystem.rename(directory.at(), directory.at("moved"));
  await Deno.writeTextFile(directory.at(), "", { mode: 0o600 });
  await file.own?.({ ...like, mode: 0o640 });
  assertEquals(await file.stat(), before);
  const other = await systemFileSystem.stat(directory.at());
  assertEquals(other?.mode, before.mode);
  await file.close();
});
