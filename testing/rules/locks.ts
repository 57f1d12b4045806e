import type { FileLock } from "../../fs/file_system.ts";
import type { FileSystemRule, FileSystemTrial } from "./file_system_trial.ts";

/** The rules of `FileSystem` about locks. */
export const LOCK_RULES: readonly FileSystemRule[] = [
  [
    "lock() takes the lock, creates the file and writes the note into it",
    async (t) => {
      const lock = await take(t, note("me"));
      t.equal(lock.note, note("me"), "the note");
      t.equal((await t.stat("lock")).kind, "file", "the kind");
      const text = await t.text("lock");
      t.equal(text, note("me"), "the content of the file");
    },
  ],
  [
    "lock() resolves to undefined, without waiting, while somebody else holds the lock",
    async (t) => {
      await take(t, note("me"));
      const other = await t.fs.lock(t.at("lock"), 0o600, note("you"));
      t.equal(other === undefined, true, "undefined");
      t.equal(await t.text("lock"), note("me"), "the content of the file");
    },
  ],
  [
    "lock() gives the lock to one of those who ask at the same time",
    async (t) => {
      const asked = ["me", "you", "them"].map((who) =>
        t.fs.lock(t.at("lock"), 0o600, note(who))
      );
      const taken = (await Promise.all(asked)).filter((lock) => lock);
      t.equal(taken.length, 1, "the number of those who have the lock");
    },
  ],
  ["closing a lock frees it and leaves the file", async (t) => {
    await (await take(t, note("me"))).close();
    t.equal((await t.stat("lock")).kind, "file", "the kind");
    await take(t, note("you"));
    t.equal(await t.text("lock"), note("you"), "the content of the file");
  }],
  ["lock() keeps the member log of a note in the file", async (t) => {
    const log = "0123-4567";
    const left = `{"pid":7,"since":"then","log":"${log}"}\n`;
    await (await t.put("lock", left)).close();
    const lock = await take(t, note("me"));
    const found = JSON.parse(lock.note) as Record<string, unknown>;
    t.equal(found, { pid: 1, since: "me", log }, "the note");
    t.equal(await t.text("lock"), lock.note, "the content of the file");
  }],
  [
    "lock() takes a file that holds nothing, or the beginning of a note",
    async (t) => {
      for (const left of ["", '{"pi', '{"pid":7,"sin']) {
        await (await t.put("lock", left)).close();
        await (await take(t, note("me"))).close();
        t.equal(await t.text("lock"), note("me"), "the content of the file");
        await t.fs.remove(t.at("lock"));
      }
    },
  ],
  [
    "lock() rejects with EFTYPE, and writes nothing, if the file holds something else",
    async (t) => {
      for (const left of ["precious", "x".repeat(2_000)]) {
        await (await t.put("lock", left)).close();
        await t.rejects(
          "EFTYPE",
          () => t.fs.lock(t.at("lock"), 0o600, note("me")),
        );
        t.equal(await t.text("lock"), left, "the content of the file");
        await t.fs.remove(t.at("lock"));
      }
    },
  ],
  [
    "lock() rejects with EMLINK, and writes nothing, if such a file has a second name",
    async (t) => {
      await (await t.put("letter", "precious")).close();
      await t.make("link", "letter", "lock");
      skipUnlessLinksAreTold(t, (await t.stat("lock")).links);
      await t.rejects(
        "EMLINK",
        () => t.fs.lock(t.at("lock"), 0o600, note("me")),
      );
      t.equal(await t.text("letter"), "precious", "the content of the file");
    },
  ],
  [
    "lock() leaves a note with a second name as it is, and makes a new file",
    async (t) => {
      await (await t.put("lock", note("then"))).close();
      await t.make("link", "lock", "backup");
      skipUnlessLinksAreTold(t, (await t.stat("lock")).links);
      const lock = await take(t, note("me"));
      t.equal(await t.text("backup"), note("then"), "the content of the other");
      t.equal(await t.text("lock"), note("me"), "the content of the file");
      t.equal(await lock.isCurrent(), true);
    },
  ],
  ["lock() rejects with EISDIR if the path is a directory", async (t) => {
    await t.fs.createDirectory(t.at("lock"), 0o700);
    await t.rejects("EISDIR", () => t.fs.lock(t.at("lock"), 0o600, note("me")));
  }],
  ["lock() rejects with ELOOP if the path is a symbolic link", async (t) => {
    await t.make("symlink", "nowhere", "lock");
    await t.rejects("ELOOP", () => t.fs.lock(t.at("lock"), 0o600, note("me")));
    t.equal(await t.fs.stat(t.at("nowhere")), undefined);
  }],
  [
    "lock() rejects with ENXIO, without waiting, if the path is a pipe",
    async (t) => {
      await t.make("pipe", "lock");
      await t.rejects(
        "ENXIO",
        () => t.fs.lock(t.at("lock"), 0o600, note("me")),
      );
    },
  ],
  ["lock() rejects with ENOENT if the directory is missing", async (t) => {
    const locked = () => t.fs.lock(t.at("none/lock"), 0o600, note("me"));
    await t.rejects("ENOENT", locked);
  }],
  ["leave() replaces the note", async (t) => {
    const lock = await take(t, note("me, with a longer note than the next"));
    await lock.leave(note("me"));
    t.equal(lock.note, note("me"), "the note");
    t.equal(await t.text("lock"), note("me"), "the content of the file");
  }],
  [
    "isCurrent() tells whether the file is still the one that was locked",
    async (t) => {
      const lock = await take(t, note("me"));
      t.equal(await lock.isCurrent(), true);
      await t.fs.rename(t.at("lock"), t.at("moved"));
      t.equal(await lock.isCurrent(), false, "it, once the file was renamed,");
      await t.put("lock", note("me"));
      if ((await t.stat("lock")).identity === "") return;
      t.equal(await lock.isCurrent(), false, "it, once another has the name,");
    },
  ],
];

function note(since: string): string {
  return `{"pid":1,"since":"${since}"}\n`;
}

async function take(t: FileSystemTrial, text: string): Promise<FileLock> {
  return await t.fs.lock(t.at("lock"), 0o600, text) ??
    t.fail("it resolved to undefined, and nobody holds the lock");
}

function skipUnlessLinksAreTold(t: FileSystemTrial, links?: number): void {
  if (links === undefined) t.skip("the file system counts no names");
}
