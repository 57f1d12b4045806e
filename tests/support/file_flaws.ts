import { above, type Flaw, some } from "./flaw.ts";

/** Flaws of files. */
export const FILE_FLAWS: readonly Flaw[] = [
  {
    what: "create() opens what has the name",
    breaks: [
      "create() rejects with EEXIST if the name is taken",
      "create() rejects with EEXIST if a dangling symbolic link has the name",
    ],
    of: (fs) => ({
      create: (path, mode) =>
        fs.content(path) ? fs.open(path, "append") : fs.create(path, mode),
    }),
    fixture: (fs) => ({ symlink: (_, path) => fs.put(path, some("")) }),
  },
  {
    what: "create() creates a file that is not empty",
    breaks: ["create() creates an empty file and opens it for appending"],
    of: (fs) => ({
      create: async (path, mode) => {
        const file = await fs.create(path, mode);
        await file.write(some("\n"));
        return file;
      },
    }),
  },
  {
    what: "create() creates the directory",
    breaks: ["create() rejects with ENOENT if the directory is missing"],
    of: (fs) => ({
      create: async (path, mode) => {
        await fs.createDirectory(above(path), 0o700);
        return await fs.create(path, mode);
      },
    }),
  },
  {
    what: "create() takes no notice of the mode",
    breaks: ["create() lets nobody do more than the mode says"],
    of: (fs) => ({ create: (path) => fs.create(path, 0o644) }),
  },
  {
    what: "open() passes over the first byte",
    breaks: ["open() positions a reader at the start of the file"],
    of: (fs) => ({
      open: async (path, access) => {
        const file = await fs.open(path, access);
        await file.read(new Uint8Array(1));
        return file;
      },
    }),
  },
  {
    what: "open() empties what it appends to",
    breaks: ["open() for appending adds to what the file holds"],
    of: (fs) => ({
      open: async (path, access) => {
        const file = await fs.open(path, access);
        if (access === "append") await file.truncate(0);
        return file;
      },
    }),
  },
  {
    what: "open() creates what is missing",
    breaks: ["open() rejects with ENOENT if there is no file"],
    of: (fs) => ({
      open: async (path, access) => {
        if (!await fs.stat(path)) await fs.create(path, 0o600);
        return await fs.open(path, access);
      },
    }),
  },
  {
    what: "open() has another word for a directory",
    breaks: ["open() rejects with EISDIR if the path is a directory"],
    of: (fs) => ({
      open: async (path, access) => {
        const isDirectory = (await fs.stat(path))?.kind === "directory";
        return await fs.open(isDirectory ? `${path}/none` : path, access);
      },
    }),
  },
  {
    what: "links and pipes are files",
    breaks: [
      "open() rejects with ELOOP if the path is a symbolic link",
      "open() rejects with ENXIO, without waiting, if the path is a pipe",
      "stat() does not follow a symbolic link",
      "lock() rejects with ELOOP if the path is a symbolic link",
      "lock() rejects with ENXIO, without waiting, if the path is a pipe",
    ],
    fixture: (fs) => ({
      symlink: (_, path) => fs.put(path, some("")),
      pipe: (path) => fs.put(path, some("")),
    }),
  },
  {
    what: "read() starts again",
    breaks: [
      "read() reads on, and resolves to 0 at the end of the file as it is now",
    ],
    handles: (_, fs, path) => ({
      read: async (into) => await (await fs.open(path, "read")).read(into),
    }),
  },
  {
    what: "read() does not see what is appended",
    breaks: [
      "read() reads on, and resolves to 0 at the end of the file as it is now",
    ],
    handles: (file) => {
      let isAtEnd = false;
      return {
        read: async (into) => {
          const count = isAtEnd ? 0 : await file.read(into);
          isAtEnd = count === 0;
          return count;
        },
      };
    },
  },
  {
    what: "seek() does nothing",
    breaks: ["seek() lets the next read start at a byte"],
    handles: () => ({ seek: () => Promise.resolve() }),
  },
  {
    what: "watch() takes no notice of its signal",
    breaks: ["watch() ends when its signal fires"],
    of: (fs) => ({
      watch: (path) => fs.watch(path, new AbortController().signal),
    }),
  },
  {
    what: "freeBytes() tells the free bytes in words",
    breaks: ["freeBytes() tells how many bytes are free"],
    of: () => ({ freeBytes: () => Promise.resolve("a lot" as never) }),
  },
  {
    what: "freeBytes() takes any path",
    breaks: ["freeBytes() tells how many bytes are free"],
    of: () => ({ freeBytes: () => Promise.resolve(1) }),
  },
  {
    what: "write() takes no more than a page",
    breaks: ["write() appends all bytes, in order"],
    handles: (file) => ({ write: (it) => file.write(it.subarray(0, 4_096)) }),
  },
  {
    what: "write() clears the bytes that it has written",
    breaks: ["write() leaves the bytes of the caller as they are"],
    handles: (file) => ({
      write: async (it) => {
        await file.write(it);
        it.fill(0);
      },
    }),
  },
  {
    what: "truncate() does nothing",
    breaks: [
      "truncate() shortens the file, and writing continues at its new end",
      "truncate() is durable after sync()",
    ],
    handles: () => ({ truncate: () => Promise.resolve() }),
  },
  {
    what: "stat() of a handle looks up the name",
    breaks: [
      "stat() of a handle describes the open file, whatever its name is now",
    ],
    handles: (_, fs, path) => ({ stat: async () => (await fs.stat(path))! }),
  },
  {
    what: "write() looks up the name",
    breaks: [
      "a handle stays with its file when that is renamed, replaced or removed",
    ],
    handles: (_, fs, path) => ({
      write: async (it) => await (await fs.open(path, "append")).write(it),
    }),
  },
  {
    what: "own() gives more than it should",
    breaks: [
      "own() gives a file the mode of another, as far as the process may",
    ],
    handles: (file) => ({
      own: (like) => file.own!({ ...like, mode: 0o666 }),
    }),
  },
];
