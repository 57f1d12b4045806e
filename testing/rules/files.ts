import { bytes, type FileSystemRule, readOn } from "./file_system_trial.ts";

/** The rules of `FileSystem` about files. */
export const FILE_RULES: readonly FileSystemRule[] = [
  ["create() creates an empty file and opens it for appending", async (t) => {
    const file = await t.fs.create(t.at("file"), 0o600);
    t.equal((await file.stat()).sizeBytes, 0, "the size");
    t.equal((await t.stat("file")).kind, "file", "the kind");
    await file.write(bytes("some"));
    t.equal(await t.text("file"), "some", "the content");
  }],
  ["create() rejects with EEXIST if the name is taken", async (t) => {
    await t.put("file", "precious");
    await t.rejects("EEXIST", () => t.fs.create(t.at("file"), 0o600));
    t.equal(await t.text("file"), "precious", "the content");
    await t.fs.createDirectory(t.at("directory"), 0o700);
    await t.rejects("EEXIST", () => t.fs.create(t.at("directory"), 0o600));
  }],
  [
    "create() rejects with EEXIST if a dangling symbolic link has the name",
    async (t) => {
      await t.make("symlink", "nowhere", "link");
      await t.rejects("EEXIST", () => t.fs.create(t.at("link"), 0o600));
      t.equal(await t.fs.stat(t.at("nowhere")), undefined);
    },
  ],
  ["create() rejects with ENOENT if the directory is missing", async (t) => {
    await t.rejects("ENOENT", () => t.fs.create(t.at("none/file"), 0o600));
  }],
  ["create() lets nobody do more than the mode says", async (t) => {
    const { mode } = await (await t.fs.create(t.at("file"), 0o600)).stat();
    if (mode === undefined) return t.skip("the file system tells no modes");
    t.equal(mode.toString(8), "600", "the mode");
  }],
  ["open() positions a reader at the start of the file", async (t) => {
    await t.put("file", "some");
    t.equal(await t.text("file"), "some", "the content");
    t.equal(await t.text("file"), "some", "the content, read again");
  }],
  ["open() for appending adds to what the file holds", async (t) => {
    await (await t.put("file", "one")).close();
    const file = await t.fs.open(t.at("file"), "append");
    await file.write(bytes(", two"));
    t.equal(await t.text("file"), "one, two", "the content");
  }],
  ["open() rejects with ENOENT if there is no file", async (t) => {
    await t.rejects("ENOENT", () => t.fs.open(t.at("none"), "read"));
    await t.rejects("ENOENT", () => t.fs.open(t.at("none"), "append"));
    t.equal(await t.fs.stat(t.at("none")), undefined);
  }],
  ["open() rejects with EISDIR if the path is a directory", async (t) => {
    await t.fs.createDirectory(t.at("directory"), 0o700);
    await t.rejects("EISDIR", () => t.fs.open(t.at("directory"), "read"));
    await t.rejects("EISDIR", () => t.fs.open(t.at("directory"), "append"));
  }],
  ["open() rejects with ELOOP if the path is a symbolic link", async (t) => {
    await t.put("file", "some");
    await t.make("symlink", "file", "link");
    await t.rejects("ELOOP", () => t.fs.open(t.at("link"), "read"));
    await t.rejects("ELOOP", () => t.fs.open(t.at("link"), "append"));
  }],
  [
    "open() rejects with ENXIO, without waiting, if the path is a pipe",
    async (t) => {
      await t.make("pipe", "pipe");
      t.equal((await t.stat("pipe")).kind, "other", "the kind");
      await t.rejects("ENXIO", () => t.fs.open(t.at("pipe"), "read"));
      await t.rejects("ENXIO", () => t.fs.open(t.at("pipe"), "append"));
    },
  ],
  [
    "read() reads on, and resolves to 0 at the end of the file as it is now",
    async (t) => {
      const file = await t.put("file", "abc");
      const reader = await t.fs.open(t.at("file"), "read");
      const into = new Uint8Array(2);
      t.equal(await reader.read(into), 2, "the number of bytes");
      t.equal([...into], [97, 98], "what was read");
      t.equal(await readOn(reader), "c", "the rest");
      t.equal(await reader.read(into), 0, "the number of bytes at the end");
      await file.write(bytes("d"));
      t.equal(await readOn(reader), "d", "what was appended since");
    },
  ],
  ["seek() lets the next read start at a byte", async (t) => {
    await t.put("file", "abcdef");
    const reader = await t.fs.open(t.at("file"), "read");
    await reader.seek(4);
    t.equal(await readOn(reader), "ef", "what is read from byte 4");
    await reader.seek(1);
    t.equal(await readOn(reader), "bcdef", "what is read from byte 1");
    await reader.seek(9);
    t.equal(await readOn(reader), "", "what is read beyond the end");
  }],
  ["watch() ends when its signal fires", async (t) => {
    const { fs, fixture: { directory } } = t;
    if (fs.watch === undefined) {
      return t.skip("the file system watches nothing");
    }
    const stop = new AbortController();
    const hints = fs.watch(directory, stop.signal)[Symbol.asyncIterator]();
    const first = hints.next();
    await t.put("file", "some");
    stop.abort();
    let hint = await first;
    while (!hint.done) hint = await hints.next();
  }],
  ["freeBytes() tells how many bytes are free", async (t) => {
    const { fs, fixture: { directory } } = t;
    if (fs.freeBytes === undefined) {
      return t.skip("the file system does not tell");
    }
    let free: number;
    try {
      free = await fs.freeBytes(directory);
    } catch (error) {
      return t.skip(`the process may not know: ${error}`);
    }
    t.equal(free >= 0, true, "whether it is a number from 0 on");
    await t.rejects("ENOENT", () => fs.freeBytes!(t.at("none")));
  }],
  ["write() appends all bytes, in order", async (t) => {
    const text = "0123456789".repeat(20_000);
    const file = await t.put("file", "start,");
    await file.write(bytes(text));
    await file.write(new Uint8Array(0));
    await file.write(bytes(",end"));
    t.equal((await file.stat()).sizeBytes, text.length + 10, "the size");
    const isThere = await t.text("file") === `start,${text},end`;
    t.equal(isThere, true, "the content as it was written");
  }],
  ["write() leaves the bytes of the caller as they are", async (t) => {
    const some = bytes("some");
    await (await t.fs.create(t.at("file"), 0o600)).write(some);
    t.equal([...some], [...bytes("some")], "what was written");
    some.fill(0);
    t.equal(await t.text("file"), "some", "the content");
  }],
  [
    "truncate() shortens the file, and writing continues at its new end",
    async (t) => {
      const file = await t.put("file", "abcdef");
      await file.truncate(2);
      t.equal((await file.stat()).sizeBytes, 2, "the size");
      await file.write(bytes("x"));
      t.equal(await t.text("file"), "abx", "the content");
      await file.truncate(0);
      t.equal(await t.text("file"), "", "the content");
    },
  ],
  [
    "stat() of a handle describes the open file, whatever its name is now",
    async (t) => {
      const file = await t.put("file", "some");
      const { identity } = await file.stat();
      await t.fs.rename(t.at("file"), t.at("moved"));
      await t.put("file", "another");
      const found = await file.stat();
      t.equal(found.identity, identity, "the identity");
      t.equal(found.sizeBytes, 4, "the size");
      await t.fs.remove(t.at("moved"));
      t.equal((await file.stat()).sizeBytes, 4, "the size once removed");
    },
  ],
  [
    "a handle stays with its file when that is renamed, replaced or removed",
    async (t) => {
      const file = await t.put("file", "one");
      const reader = await t.fs.open(t.at("file"), "read");
      await t.fs.rename(t.at("file"), t.at("moved"));
      await file.write(bytes(", two"));
      t.equal(await t.text("moved"), "one, two", "the content");
      await t.put("other", "other");
      await t.fs.rename(t.at("other"), t.at("moved"));
      await file.write(bytes(", three"));
      t.equal(await readOn(reader), "one, two, three", "what the reader reads");
      t.equal(
        await t.text("moved"),
        "other",
        "the content of what replaced it",
      );
      const gone = await t.fs.open(t.at("moved"), "read");
      await t.fs.remove(t.at("moved"));
      t.equal(
        await readOn(gone),
        "other",
        "what a reader of a removed file reads",
      );
    },
  ],
  [
    "own() gives a file the mode of another, as far as the process may",
    async (t) => {
      const file = await t.fs.create(t.at("file"), 0o600);
      if (file.own === undefined) return t.skip("its handles have no own()");
      const made = await file.stat();
      if (made.mode === undefined) {
        return t.skip("the file system tells no modes");
      }
      await file.own({ ...made, mode: 0o640 });
      const found = await file.stat();
      if (found.mode === made.mode) {
        return t.skip("the process may not change modes");
      }
      t.equal(found.mode?.toString(8), "640", "the mode");
      t.equal([found.uid, found.gid], [made.uid, made.gid], "owner and group");
    },
  ],
];
