import { execFileSync } from "node:child_process";
import { link, mkdir, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import process from "node:process";
import type { Library } from "./library.ts";
import { equal, ok, refused, Skip, type Suite } from "./suite.ts";

/** The runtime's file system keeps the rules of `FileSystem`. */
export async function checkFileSystem(
  suite: Suite,
  library: Library,
): Promise<void> {
  await checkRules(suite, library);
  await checkOwners(suite, library);
  await checkWhereNoDirectoryIs(suite, library);
  await checkSpelling(suite, library);
}

async function checkRules(
  suite: Suite,
  { store: { systemFileSystem: fs }, testing: { fileSystemSuite } }: Library,
): Promise<void> {
  let directory = "";
  const pipe = (path: string) => execFileSync("mkfifo", [path]);
  const make = () => ({ fs, directory, link, symlink, pipe });
  for (const { name, run } of fileSystemSuite(make)) {
    await suite.check(`fs: ${name}`, async (dir) => {
      directory = dir;
      const why = await run();
      if (why !== undefined && why !== "the fixture cuts no power") {
        throw new Skip(why);
      }
    });
  }
}

async function checkOwners(
  suite: Suite,
  { store: { systemFileSystem: fs } }: Library,
): Promise<void> {
  await suite.check("fs: a file is given what another has", async (dir) => {
    const path = join(dir, "file");
    const file = await fs.create(path, 0o600);
    const made = await file.stat();
    if (made.uid === undefined) {
      await file.close();
      throw new Skip("the system has no users");
    }
    await file.own!({ ...made, mode: 0o640 });
    if ((await file.stat()).mode === made.mode) {
      await file.close();
      throw new Skip("nobody may change a mode here");
    }
    equal((await fs.stat(path))?.mode, 0o640);
    // Only root may give it away.
    await file.own!({ ...made, uid: 54_321, mode: 0o660 });
    const { uid, gid, mode } = await file.stat();
    ok([made.uid, 54_321].includes(uid!), "it has an owner");
    equal([gid, mode], [made.gid, 0o660]);
    await file.write(new Uint8Array(1));
    await file.close();
  });
}

async function checkWhereNoDirectoryIs(
  suite: Suite,
  { store: { systemFileSystem: fs } }: Library,
): Promise<void> {
  await suite.check("fs: a file in place of a directory", async (dir) => {
    const file = join(dir, "file");
    await writeFile(file, "");
    await refused("ENOTDIR", () => fs.open(join(file, "x"), "read"));
    await refused("ENOENT", () => fs.syncDirectory(join(dir, "none")));
  });
  await suite.check("fs: where no directory can be made", async () => {
    if (process.platform !== "linux") throw new Skip("it takes a /proc");
    const mayLook = await fs.stat("/proc/nope").then(() => true, () => false);
    // What may not be looked at is above the sandbox, and counts as there.
    const mayMake = await mkdir("/proc/nope").catch(({ code }) => code) !==
      "ERR_ACCESS_DENIED";
    if (!mayLook || !mayMake) {
      throw new Skip("the sandbox does not reach there");
    }
    await refused("ENOENT", () => fs.createDirectory("/proc/nope/x", 0o700));
  });
}

function note(since: string): string {
  return `${JSON.stringify({ pid: 1, since })}\n`;
}

async function checkSpelling(
  suite: Suite,
  { store: { systemFileSystem: fs } }: Library,
): Promise<void> {
  await suite.check("fs: one lock for all spellings of a name", async (dir) => {
    // No disk holds a lone surrogate as it is, but for that of Windows.
    const [first, second] = [join(dir, "\ud800lock"), join(dir, "\ufffdlock")];
    const lock = (await fs.lock(first, 0o600, note("me")))!;
    if (await fs.stat(second) === undefined) {
      await lock.close();
      throw new Skip("the system tells these names apart");
    }
    equal(await fs.lock(second, 0o600, note("other")), undefined);
    await lock.close();
    await (await fs.lock(second, 0o600, note("other")))!.close();
    equal((await fs.list(dir)).length, 1);
  });
}
