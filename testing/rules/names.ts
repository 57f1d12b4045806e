import { collect } from "../../base/collect.ts";
import type { FileSystemRule } from "./file_system_trial.ts";

/** The rules of `FileSystem` about names and directories. */
export const NAME_RULES: readonly FileSystemRule[] = [
  [
    "stat() describes what has the name, and resolves to undefined if nothing has",
    async (t) => {
      t.equal(await t.fs.stat(t.at("none")), undefined);
      const file = await t.put("file", "12345");
      const { kind, sizeBytes, identity } = await t.stat("file");
      t.equal([kind, sizeBytes], ["file", 5], "kind and size");
      t.equal(identity, (await file.stat()).identity, "the identity");
      await t.fs.createDirectory(t.at("directory"), 0o700);
      t.equal((await t.stat("directory")).kind, "directory", "the kind");
    },
  ],
  [
    "stat() gives two files that exist at the same time two identities",
    async (t) => {
      await t.put("one", "same");
      await t.put("two", "same");
      const { identity } = await t.stat("one");
      if (identity === "") {
        return t.skip("the file system cannot tell files apart");
      }
      const isSame = (await t.stat("two")).identity === identity;
      t.equal(isSame, false, `the same identity for both, ${identity},`);
    },
  ],
  [
    "stat() gives two names of one file the same identity, and counts them",
    async (t) => {
      await t.put("file", "some");
      await t.make("link", "file", "second");
      const { identity, links = 2 } = await t.stat("file");
      t.equal((await t.stat("second")).identity, identity, "the identity");
      t.equal(links, 2, "the number of names");
    },
  ],
  ["stat() does not follow a symbolic link", async (t) => {
    await t.put("file", "some");
    await t.make("symlink", "file", "link");
    t.equal((await t.stat("link")).kind, "symlink", "the kind");
  }],
  [
    "list() lists the names of the files and directories in a directory",
    async (t) => {
      t.equal(await t.fs.list(t.fixture.directory), [], "the names");
      await t.put("b", "");
      await t.put(".a", "");
      await t.fs.createDirectory(t.at("c/d"), 0o700);
      const names = await t.fs.list(t.fixture.directory);
      t.equal(names.toSorted(), [".a", "b", "c"], "the names, sorted,");
    },
  ],
  ["list() rejects with ENOENT if there is no directory", async (t) => {
    await t.rejects("ENOENT", () => t.fs.list(t.at("none")));
  }],
  ["entries() gives the names of list()", async (t) => {
    const { fs, fixture: { directory } } = t;
    if (fs.entries === undefined) {
      return t.skip("the file system lists a directory at once");
    }
    await t.put("a", "");
    await t.put("b", "");
    const names = await collect(fs.entries(directory));
    t.equal(names.toSorted(), ["a", "b"], "the names, sorted,");
    await t.rejects("ENOENT", () => collect(fs.entries!(t.at("none"))));
  }],
  [
    "createDirectory() creates a directory and its missing parents",
    async (t) => {
      await t.fs.createDirectory(t.at("a/b/c"), 0o700);
      for (const name of ["a", "a/b", "a/b/c"]) {
        t.equal((await t.stat(name)).kind, "directory", "the kind");
      }
      await t.put("a/b/c/file", "some");
      t.equal(
        await t.text("a/b/c/file"),
        "some",
        "the content of a file in it",
      );
    },
  ],
  [
    "createDirectory() is fine with an existing directory, and keeps its files",
    async (t) => {
      await t.fs.createDirectory(t.at("a"), 0o700);
      await t.put("a/file", "some");
      await t.fs.createDirectory(t.at("a"), 0o700);
      t.equal(await t.text("a/file"), "some", "the content of a file in it");
      const both = ["x/y", "x/y"].map((name) =>
        t.fs.createDirectory(t.at(name), 0o700)
      );
      await Promise.all(both);
      t.equal((await t.stat("x/y")).kind, "directory", "the kind");
    },
  ],
  [
    "createDirectory() rejects with ENOTDIR if the path, or a part of it, is a file",
    async (t) => {
      await t.put("file", "some");
      await t.rejects(
        "ENOTDIR",
        () => t.fs.createDirectory(t.at("file"), 0o700),
      );
      const below = t.at("file/directory");
      await t.rejects("ENOTDIR", () => t.fs.createDirectory(below, 0o700));
      t.equal(await t.text("file"), "some", "the content of the file");
    },
  ],
  ["rename() gives a file another name", async (t) => {
    await t.put("old", "some");
    const { identity } = await t.stat("old");
    await t.fs.rename(t.at("old"), t.at("new"));
    t.equal(await t.fs.list(t.fixture.directory), ["new"], "the names");
    t.equal((await t.stat("new")).identity, identity, "the identity");
    t.equal(await t.text("new"), "some", "the content");
  }],
  ["rename() replaces the target in one step", async (t) => {
    await t.put("old", "old");
    await t.put("new", "new");
    const renamed = t.fs.rename(t.at("new"), t.at("old"));
    const found = await t.fs.stat(t.at("old"));
    await renamed;
    t.equal(found?.kind, "file", "the kind of the target meanwhile");
    t.equal(await t.text("old"), "new", "the content of the target");
    t.equal(await t.fs.list(t.fixture.directory), ["old"], "the names");
  }],
  ["rename() moves a file into another directory", async (t) => {
    await t.put("old", "some");
    await t.fs.createDirectory(t.at("a"), 0o700);
    await t.fs.rename(t.at("old"), t.at("a/new"));
    t.equal(await t.fs.stat(t.at("old")), undefined);
    t.equal(await t.text("a/new"), "some", "the content");
  }],
  ["rename() rejects with ENOENT if there is no such file", async (t) => {
    await t.put("target", "some");
    const renamed = () => t.fs.rename(t.at("none"), t.at("target"));
    await t.rejects("ENOENT", renamed);
    t.equal(await t.text("target"), "some", "the content of the target");
  }],
  ["remove() removes a file", async (t) => {
    await t.put("file", "some");
    await t.put("other", "other");
    await t.fs.remove(t.at("file"));
    t.equal(await t.fs.stat(t.at("file")), undefined);
    t.equal(await t.fs.list(t.fixture.directory), ["other"], "the names");
  }],
  ["remove() rejects with ENOENT if there is no file", async (t) => {
    await t.rejects("ENOENT", () => t.fs.remove(t.at("none")));
  }],
  [
    "syncDirectory() resolves, whether or not there is anything to make durable",
    async (t) => {
      await t.fs.syncDirectory(t.fixture.directory);
      await t.put("file", "some");
      await t.fs.syncDirectory(t.fixture.directory);
      t.equal(await t.text("file"), "some", "the content");
    },
  ],
];
