// What Deno lets a process do for the owner of a file.
import { assert, assertEquals } from "@std/assert";
import { systemFileSystem } from "@mini/state/store";
import { TestDirectory } from "../support/dir.ts";

const isRoot = Deno.build.os !== "windows" && Deno.uid() === 0;

/** Has a directory look as if it were that of another user, or group. */
function giveAway(directory: string, whose: "uid" | "gid"): () => void {
  const { lstatSync } = Deno;
  Deno.lstatSync = (path) => {
    const found = lstatSync(path);
    const isIt = path === directory && found[whose] !== null;
    return isIt ? { ...found, [whose]: found[whose]! + 1 } : found;
  };
  return () => {
    Deno.lstatSync = lstatSync;
  };
}

for (const whose of ["uid", "gid"] as const) {
  Deno.test(`systemFileSystem.createDirectory() gives what it makes to the ${whose} of the one above, and nothing older`, async () => {
    await using directory = new TestDirectory();
    const { now } = Date;
    const { [whose]: ours } = await Deno.stat(directory.path);
    const restore = giveAway(directory.path, whose);
    try {
      await systemFileSystem.createDirectory(directory.at("new"), 0o700);
      Date.now = () => now() + 60_000;
      await systemFileSystem.createDirectory(directory.at("old"), 0o700);
    } finally {
      restore();
      Date.now = now;
    }
    const { [whose]: given } = await Deno.stat(directory.at("new"));
    // Only root, and members of the group, may.
    const may = isRoot ? [ours! + 1] : [ours, ours! + 1];
    assert(may.includes(given), String(given));
    assertEquals((await Deno.stat(directory.at("old")))[whose], ours);
  });
}

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

if (Deno.build.os !== "windows") {
  Deno.test("systemFileSystem: a file gets the mode of another, and from root the owner and the group", async () => {
    await using directory = new TestDirectory();
    const file = await systemFileSystem.create(directory.at(), 0o600);
    const { uid, gid } = await file.stat();
    const by = isRoot ? 1 : 0;
    const rights = { uid: uid! + by, gid: gid! + by, mode: 0o666 };
    await file.own?.({ ...await file.stat(), ...rights });
    const found = await file.stat();
    assertEquals(
      { uid: found.uid, gid: found.gid, mode: found.mode },
      rights,
    );
    await file.close();
  });
}

Deno.test("systemFileSystem.createDirectory() rejects with ENOTDIR where a file has the name", async () => {
  await using directory = new TestDirectory();
  await Deno.writeTextFile(directory.at(), "");
  const code = await systemFileSystem.createDirectory(directory.at(), 0o700)
    .then(() => "", (error) => error.code);
  assertEquals(code, "ENOTDIR");
});
