import { MemoryFileSystem } from "@mini/state/testing";
import { above, type Flaw } from "./flaw.ts";

/** Flaws of names and directories. */
export const NAME_FLAWS: readonly Flaw[] = [
  {
    what: "stat() rejects where there is nothing",
    breaks: [
      "stat() describes what has the name, and resolves to undefined if nothing has",
    ],
    of: (fs) => ({
      stat: async (path) =>
        await fs.stat(path) ?? await fs.open(path, "read") as never,
    }),
  },
  {
    what: "all files look the same",
    breaks: [
      "stat() gives two files that exist at the same time two identities",
      "isCurrent() tells whether the file is still the one that was locked",
    ],
    of: (fs) => ({
      stat: async (path) => {
        const found = await fs.stat(path);
        return found && { ...found, identity: "1" };
      },
      lock: async (path, mode, note) => {
        const lock = await fs.lock(path, mode, note);
        return lock && { ...lock, isCurrent: () => Promise.resolve(true) };
      },
    }),
  },
  {
    what: "a name is an identity",
    breaks: [
      "stat() gives two names of one file the same identity, and counts them",
      "rename() gives a file another name",
    ],
    of: (fs) => ({
      stat: async (path) => {
        const found = await fs.stat(path);
        return found && { ...found, identity: path };
      },
    }),
  },
  {
    what: "list() lists files alone",
    breaks: [
      "list() lists the names of the files and directories in a directory",
    ],
    of: (fs) => ({ list: (path) => Promise.resolve(fs.names(path)) }),
  },
  {
    what: "list() of nothing is empty",
    breaks: ["list() rejects with ENOENT if there is no directory"],
    of: (fs) => ({ list: (path) => fs.list(path).catch(() => []) }),
  },
  {
    what: "entries() gives the first name alone",
    breaks: ["entries() gives the names of list()"],
    of: (fs) => ({
      async *entries(path) {
        yield (await fs.list(path))[0]!;
      },
    }),
  },
  {
    what: "createDirectory() creates no parents",
    breaks: ["createDirectory() creates a directory and its missing parents"],
    of: (fs) => ({
      createDirectory: async (path, mode) => {
        await fs.list(above(path));
        await fs.createDirectory(path, mode);
      },
    }),
  },
  {
    what: "createDirectory() rejects where there is a directory",
    breaks: [
      "createDirectory() is fine with an existing directory, and keeps its files",
    ],
    of: (fs) => ({
      createDirectory: async (path, mode) => {
        if (await fs.stat(path)) await fs.create(path, mode);
        await fs.createDirectory(path, mode);
      },
    }),
  },
  {
    what: "createDirectory() takes a file for a directory",
    breaks: [
      "createDirectory() rejects with ENOTDIR if the path, or a part of it, is a file",
    ],
    of: (fs) => ({
      createDirectory: (path, mode) =>
        fs.createDirectory(path, mode).catch(() => {}),
    }),
  },
  {
    what: "rename() leaves the old name",
    breaks: [
      "rename() gives a file another name",
      "rename() moves a file into another directory",
    ],
    of: (fs) => ({
      rename: async (from, to) => {
        await fs.rename(from, to);
        fs.link(to, from);
      },
    }),
  },
  {
    what: "rename() removes the target first",
    breaks: ["rename() replaces the target in one step"],
    of: (fs) => ({
      rename: async (from, to) => {
        await fs.remove(to).catch(() => {});
        await fs.rename(from, to);
      },
    }),
  },
  {
    what: "rename() and remove() do not mind that there is nothing",
    breaks: [
      "rename() rejects with ENOENT if there is no such file",
      "remove() rejects with ENOENT if there is no file",
    ],
    of: (fs) => ({
      rename: (from, to) => fs.rename(from, to).catch(() => {}),
      remove: (path) => fs.remove(path).catch(() => {}),
    }),
  },
  {
    what: "remove() does nothing",
    breaks: [
      "remove() removes a file",
      "remove() is durable after syncDirectory()",
    ],
    of: () => ({ remove: () => Promise.resolve() }),
  },
  {
    what: "syncDirectory() rejects",
    breaks: [
      "syncDirectory() resolves, whether or not there is anything to make durable",
    ],
    of: (fs) => ({
      syncDirectory: async (path) => void await fs.open(path, "read"),
    }),
  },
];

/** Flaws of locks. */
export const LOCK_FLAWS: readonly Flaw[] = [
  {
    what: "lock() writes no note",
    breaks: [
      "lock() takes the lock, creates the file and writes the note into it",
    ],
    of: (fs) => ({ lock: (path, mode) => fs.lock(path, mode, "") }),
  },
  {
    what: "lock() keeps nobody out",
    breaks: [
      "lock() resolves to undefined, without waiting, while somebody else holds the lock",
      "lock() gives the lock to one of those who ask at the same time",
    ],
    of: (fs) => ({
      lock: (path, mode, note) => {
        fs.restart();
        return fs.lock(path, mode, note);
      },
    }),
  },
  {
    what: "lock() waits",
    breaks: [
      "lock() resolves to undefined, without waiting, while somebody else holds the lock",
    ],
    of: (fs) => ({
      lock: async (path, mode, note) =>
        await fs.lock(path, mode, note) ?? await new Promise(() => {}),
    }),
  },
  {
    what: "closing a lock does not free it",
    breaks: ["closing a lock frees it and leaves the file"],
    of: (fs) => ({
      lock: async (path, mode, note) => {
        const lock = await fs.lock(path, mode, note);
        return lock && { ...lock, close: () => Promise.resolve() };
      },
    }),
  },
  {
    what: "lock() makes the file new",
    breaks: [
      "lock() keeps the member log of a note in the file",
      "lock() rejects with EFTYPE, and writes nothing, if the file holds something else",
      "lock() rejects with EMLINK, and writes nothing, if such a file has a second name",
    ],
    of: (fs) => ({
      lock: async (path, mode, note) => {
        if (fs.content(path)) await fs.remove(path);
        return await fs.lock(path, mode, note);
      },
    }),
  },
  {
    what: "lock() takes notes alone",
    breaks: [
      "lock() takes a file that holds nothing, or the beginning of a note",
    ],
    of: (fs) => ({
      lock: async (path, mode, note) => {
        if (fs.content(path)?.length === 0) await fs.create(path, mode);
        return await fs.lock(path, mode, note);
      },
    }),
  },
  {
    what: "lock() writes into all names of a file",
    breaks: [
      "lock() leaves a note with a second name as it is, and makes a new file",
    ],
    of: (fs) => ({
      lock: async (path, mode, note) => {
        if (fs.content(path)) await (await fs.open(path, "append")).truncate(0);
        return await fs.lock(path, mode, note);
      },
    }),
  },
  {
    what: "lock() creates the directory",
    breaks: ["lock() rejects with ENOENT if the directory is missing"],
    of: (fs) => ({
      lock: async (path, mode, note) => {
        await fs.createDirectory(above(path), 0o700);
        return await fs.lock(path, mode, note);
      },
    }),
  },
  {
    what: "lock() takes a directory",
    breaks: ["lock() rejects with EISDIR if the path is a directory"],
    of: (fs) => ({
      lock: async (path, mode, note) => {
        const isDirectory = (await fs.stat(path))?.kind === "directory";
        return await fs.lock(isDirectory ? `${path}/lock` : path, mode, note);
      },
    }),
  },
  {
    what: "leave() says so and does not",
    breaks: ["leave() replaces the note"],
    of: (fs) => ({
      lock: async (path, mode, note) => {
        const lock = await fs.lock(path, mode, note);
        return lock && {
          ...lock,
          leave(note) {
            this.note = note;
            return Promise.resolve();
          },
        } as typeof lock & { note: string };
      },
    }),
  },
];

/** Flaws that a power cut shows. */
export const DURABLE_FLAWS: readonly Flaw[] = [
  {
    what: "sync() makes nothing durable",
    breaks: ["sync() makes earlier writes durable"],
    handles: () => ({ sync: () => Promise.resolve() }),
  },
  {
    what: "syncDirectory() makes nothing durable",
    breaks: [
      "create() is durable after syncDirectory()",
      "rename() is durable after syncDirectory()",
    ],
    of: () => ({ syncDirectory: () => Promise.resolve() }),
  },
  {
    what: "a power cut leaves nothing",
    breaks: [
      "createDirectory() is durable",
      "leave() replaces the note durably",
    ],
    fixture: () => ({ cutPower: () => new MemoryFileSystem() }),
  },
];
