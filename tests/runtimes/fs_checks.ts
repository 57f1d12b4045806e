import { execFileSync } from "node:child_process";
import {
  link,
  mkdir,
  readFile,
  rename,
  symlink,
  writeFile,
} from "node:fs/promises";
import { join } from "node:path";
import process from "node:process";
import type { Library } from "./library.ts";
import { equal, ok, refused, Skip, type Suite } from "./suite.ts";

/** The runtime's file system keeps to what `FileSystem` says. */
export async function checkFileSystem(
  suite: Suite,
  library: Library,
): Promise<void> {
  await checkFiles(suite, library);
  await checkOwners(suite, library);
  await checkNames(suite, library);
  await checkLock(suite, library);
  await checkSpelling(suite, library);
}

async function checkFiles(
  suite: Suite,
  { store: { systemFileSystem: fs } }: Library,
): Promise<void> {
  await suite.check("fs: create, write, read, truncate, stat", async (dir) => {
    const path = join(dir, "file");
    const bytes = new Uint8Array(200_000).map((_, index) => index % 251);
    const file = await fs.create(path, 0o600);
    await file.write(bytes.subarray(0, 10));
    await file.write(bytes.subarray(10));
    await file.sync();
    equal((await file.stat()).sizeBytes, bytes.length);
    equal((await file.stat()).identity, (await fs.stat(path))?.identity);
    await file.truncate(5);
    await file.write(bytes.subarray(0, 3));
    await file.close();
    const reader = await fs.open(path, "read");
    const into = new Uint8Array(100);
    let read = 0;
    for (let n = -1; n !== 0;) {
      read += n = await reader.read(into.subarray(read));
    }
    equal([...into.subarray(0, read)], [0, 1, 2, 3, 4, 0, 1, 2]);
    await reader.close();
    const appender = await fs.open(path, "append");
    await appender.write(bytes.subarray(7, 8));
    await appender.close();
    equal([...await readFile(path)], [0, 1, 2, 3, 4, 0, 1, 2, 7]);
  });
  await suite.check("fs: what opening refuses", async (dir) => {
    const file = join(dir, "file");
    await writeFile(file, "");
    await refused("ENOENT", () => fs.open(join(dir, "none"), "read"));
    await refused("ENOENT", () => fs.open(join(dir, "none"), "append"));
    await refused("EISDIR", () => fs.open(dir, "read"));
    await refused("EISDIR", () => fs.open(dir, "append"));
    await refused("EEXIST", () => fs.create(file, 0o600));
    await refused("EEXIST", () => fs.create(dir, 0o600));
    await refused("ENOENT", () => fs.create(join(dir, "a", "b"), 0o600));
    await refused("ENOTDIR", () => fs.open(join(file, "x"), "read"));
  });
  await suite.check("fs: links are told, and not followed", async (dir) => {
    const link = join(dir, "link");
    try {
      await symlink(join(dir, "nowhere"), link);
    } catch (error) {
      throw new Skip(String(error));
    }
    equal((await fs.stat(link))?.kind, "symlink");
    await refused("ELOOP", () => fs.open(link, "read"));
    await refused("ELOOP", () => fs.open(link, "append"));
    await refused("EEXIST", () => fs.create(link, 0o600));
    await refused("ELOOP", () => fs.lock(link, 0o600, "note"));
    equal(await fs.stat(join(dir, "nowhere")), undefined);
  });
  await suite.check("fs: nobody waits for a pipe", async (dir) => {
    const pipe = join(dir, "pipe");
    try {
      execFileSync("mkfifo", [pipe]);
    } catch (error) {
      throw new Skip(String(error));
    }
    equal((await fs.stat(pipe))?.kind, "other");
    await refused("ENXIO", () => fs.open(pipe, "read"));
    await refused("ENXIO", () => fs.open(pipe, "append"));
    await refused("ENXIO", () => fs.lock(pipe, 0o600, "note"));
  });
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

async function checkNames(
  suite: Suite,
  { store: { systemFileSystem: fs } }: Library,
): Promise<void> {
  await suite.check("fs: names", async (dir) => {
    const [a, b] = [join(dir, "a"), join(dir, "b")];
    await writeFile(a, "a");
    await writeFile(b, "b");
    const { identity } = (await fs.stat(a))!;
    await fs.rename(a, b);
    await fs.syncDirectory(dir);
    equal(await fs.list(dir), ["b"]);
    equal((await fs.stat(b))?.identity, identity);
    await fs.remove(b);
    equal(await fs.stat(b), undefined);
    equal((await fs.stat(dir))?.kind, "directory");
    await refused("ENOENT", () => fs.remove(b));
    await refused("ENOENT", () => fs.rename(a, b));
    await refused("ENOENT", () => fs.list(a));
    await refused("ENOENT", () => fs.syncDirectory(a));
  });
  await suite.check("fs: directories", async (dir) => {
    const deep = join(dir, "x", "y", "z");
    await fs.createDirectory(deep, 0o700);
    await fs.createDirectory(deep, 0o700);
    equal((await fs.stat(deep))?.kind, "directory");
    await writeFile(join(dir, "file"), "");
    await refused(
      "ENOTDIR",
      () => fs.createDirectory(join(dir, "file", "x"), 0o700),
    );
  });
  await suite.check("fs: where no directory can be made", async () => {
    if (process.platform !== "linux") throw new Skip("it takes a /proc");
    const mayLook = await fs.stat("/proc/nope").then(() => true, () => false);
    // What may not be looked at is above the sandbox, and counts as there.
    if (!mayLook) throw new Skip("the sandbox does not reach there");
    await refused("ENOENT", () => fs.createDirectory("/proc/nope/x", 0o700));
  });
}

function note(since: string): string {
  return `${JSON.stringify({ pid: 1, since })}\n`;
}

async function checkLock(
  suite: Suite,
  { store: { systemFileSystem: fs } }: Library,
): Promise<void> {
  await suite.check("fs: one lock at a time, with a note", async (dir) => {
    const path = join(dir, "lock");
    await writeFile(path, note("an old one, longer than the new one"));
    const first = await fs.lock(path, 0o600, note("me"));
    ok(first !== undefined, "it is free");
    equal(await fs.lock(path, 0o600, note("other")), undefined);
    equal(await readFile(path, "utf8"), note("me"));
    equal(await first.isCurrent(), true);
    await first.close();
    equal(await fs.list(dir), ["lock"]);
    const second = await fs.lock(path, 0o600, note("you"));
    ok(second !== undefined, "it is free again");
    await second.close();
  });
  await suite.check(
    "fs: what is no lock is refused, and stays as it is",
    async (dir) => {
      const path = join(dir, "lock");
      await writeFile(path, "precious");
      await refused("EFTYPE", () => fs.lock(path, 0o600, note("me")));
      equal(await readFile(path, "utf8"), "precious");
      await fs.remove(path);
      await (await fs.lock(path, 0o600, note("me")))!.close();
      if ((await fs.stat(path))!.links === undefined) {
        throw new Skip("the system does not tell how many names a file has");
      }
      // As a backup by hard links leaves it.
      await link(path, join(dir, "backup"));
      await (await fs.lock(path, 0o600, note("you")))!.close();
      equal(await readFile(join(dir, "backup"), "utf8"), note("me"));
      equal((await fs.stat(path))!.links, 1);
      await writeFile(join(dir, "other"), "precious");
      await link(join(dir, "other"), join(dir, "lock2"));
      await refused(
        "EMLINK",
        () => fs.lock(join(dir, "lock2"), 0o600, note("me")),
      );
      equal(await readFile(join(dir, "other"), "utf8"), "precious");
    },
  );
  await suite.check(
    "fs: a lock file that was replaced is not current",
    async (dir) => {
      const path = join(dir, "lock");
      const lock = (await fs.lock(path, 0o600, "me"))!;
      await rename(path, join(dir, "moved"));
      equal(await lock.isCurrent(), false);
      await writeFile(path, "");
      equal(await lock.isCurrent(), false);
      await lock.close();
      await mkdir(join(dir, "folder"));
      await refused("EISDIR", () => fs.lock(join(dir, "folder"), 0o600, "me"));
    },
  );
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
