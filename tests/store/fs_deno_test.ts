import { assert, assertEquals, assertRejects } from "@std/assert";
import { MiniStore, systemFileSystem as fs } from "@mini/state/store";
import { TestDirectory } from "../support/dir.ts";
import { errorOf, openAndRead } from "../support/journal.ts";
import { failing, patch } from "../support/patched.ts";
import { syncedPaths } from "../support/syncs.ts";
import { run, skipped } from "../support/system.ts";

Deno.test("systemFileSystem writes the rest after a short write", async () => {
  await using directory = new TestDirectory();
  const values = Array.from({ length: 100 }, (_, index) => `value ${index}`);
  {
    using _patch = patch(
      "writeSync",
      (original, [bytes]) => original((bytes as Uint8Array).subarray(0, 7)),
    );
    await using store = await MiniStore.open<string>(directory.at());
    await Promise.all(values.map((value) => store.append(value)));
  }
  assertEquals(await openAndRead(directory.at()), {
    data: values,
    outcome: "clean",
  });
});

for (const method of ["writeSync", "sync"] as const) {
  Deno.test(`systemFileSystem tries ${method} again when a signal has interrupted it`, async () => {
    await using directory = new TestDirectory();
    await using store = await MiniStore.open<string>(directory.at());
    using _patch = patch(
      method,
      failing(3, () => new Deno.errors.Interrupted("EINTR")),
    );
    assertEquals(await store.append("a"), 1);
  });
}

const NUMBERED = [["EDQUOT", 122], ["EFBIG", 27]] as const;
for (const [name, number] of NUMBERED) {
  Deno.test(`systemFileSystem knows ${name}, to which Deno gives no code`, async () => {
    await using directory = new TestDirectory();
    await using store = await MiniStore.open<string>(directory.at());
    await store.append("a");
    {
      const error = () => new Error(`Too much (os error ${number})`);
      using _patch = patch("writeSync", failing(1, error));
      assertEquals((await errorOf(store.append("b"))).code, "NO_SPACE");
    }
    assertEquals(await store.append("c"), 2);
  });
}

Deno.test("systemFileSystem writes what is too much for one quick write", async () => {
  await using directory = new TestDirectory();
  await using store = await MiniStore.open<string>(directory.at());
  const large = "x".repeat(3_000_000);
  assertEquals(await store.append(large), 1);
  const [record] = await Array.fromAsync(store.replay());
  assertEquals(record?.data.length, large.length);
});

Deno.test("systemFileSystem.create() rejects with EEXIST where a name is taken", async () => {
  await using directory = new TestDirectory();
  await (await fs.create(directory.at(), 0o600)).close();
  const error = await assertRejects(() => fs.create(directory.at(), 0o600));
  assertEquals((error as { code?: string }).code, "EEXIST");
});

Deno.test("systemFileSystem.stat() tells files, directories and links, and nothing", async () => {
  await using directory = new TestDirectory();
  assertEquals(await fs.stat(directory.at()), undefined);
  await Deno.writeTextFile(directory.at(), "12345");
  const file = await fs.stat(directory.at());
  assertEquals([file?.kind, file?.sizeBytes], ["file", 5]);
  assertEquals(
    (await fs.stat(directory.path))?.kind,
    "directory",
  );
  if (Deno.build.os === "windows") return;
  assert(file?.identity !== "");
  await Deno.symlink(directory.at(), directory.at("link"));
  assertEquals(
    (await fs.stat(directory.at("link")))?.kind,
    "symlink",
  );
});

Deno.test("systemFileSystem.lock() of a file that was replaced is not current", async () => {
  await using directory = new TestDirectory();
  const lock = await fs.lock(directory.at("lock"), 0o600, "me");
  assertEquals(await lock?.isCurrent(), true);
  assertEquals(await Deno.readTextFile(directory.at("lock")), "me");
  assertEquals(
    await fs.lock(directory.at("lock"), 0o600, "other"),
    undefined,
  );
  await Deno.remove(directory.at("lock"));
  assertEquals(await lock?.isCurrent(), false);
  const other = await fs.lock(
    directory.at("lock"),
    0o600,
    "other",
  );
  assertEquals(await other?.isCurrent(), true);
  await lock?.close();
  await other?.close();
});

Deno.test("MiniStore.open() where a directory stands says so", async () => {
  await using directory = new TestDirectory();
  await Deno.mkdir(directory.at());
  const error = await errorOf(MiniStore.open(directory.at()));
  assertEquals(error.code, "UNSUPPORTED_FORMAT");
  assert(error.message.includes("a directory"), error.message);
});

Deno.test("MiniStore.open() where no directory can be made says so", async () => {
  await using directory = new TestDirectory();
  await Deno.writeTextFile(directory.at("file"), "");
  for (const name of ["file/journal.jsonl", "file/folder/journal.jsonl"]) {
    const error = await errorOf(MiniStore.open(directory.at(name)));
    assertEquals(error.code, "IO");
  }
});

Deno.test("systemFileSystem.createDirectory() takes a directory that somebody else has just made", async () => {
  await using directory = new TestDirectory();
  const { mkdir } = Deno;
  Deno.mkdir = async (path, options) => {
    await mkdir(path, options);
    await mkdir(path, options);
  };
  try {
    await fs.createDirectory(directory.at("a/b"), 0o700);
  } finally {
    Deno.mkdir = mkdir;
  }
  assertEquals(directory.names(), ["a"]);
});

if (Deno.build.os === "linux") {
  Deno.test("MiniStore.open() where the system makes no directories says so", async () => {
    const opened = errorOf(MiniStore.open("/proc/nope/x/journal.jsonl"));
    assertEquals((await opened).code, "IO");
  });
}

Deno.test("systemFileSystem syncs the file before an append resolves", async () => {
  await using directory = new TestDirectory();
  await (await MiniStore.open(directory.at())).close();
  const paths: string[] = [];
  await syncedPaths(async () => {
    await using store = await MiniStore.open<string>(directory.at());
    const before = paths.length;
    await store.append("a");
    assertEquals(paths.slice(before), [directory.at()]);
  }, paths);
});

if (Deno.build.os !== "windows") {
  Deno.test("systemFileSystem.syncDirectory() syncs the directory itself", async () => {
    await using directory = new TestDirectory();
    const paths = await syncedPaths(() => fs.syncDirectory(directory.path));
    assertEquals(paths, [directory.path]);
  });

  Deno.test("systemFileSystem.createDirectory() syncs the directory above each one that it makes", async () => {
    await using directory = new TestDirectory();
    const made = ["a", "a/b", "a/b/c"].map((name) => directory.at(name));
    const paths = await syncedPaths(() => fs.createDirectory(made[2]!, 0o700));
    assertEquals(paths.sort(), [directory.path, made[0]!, made[1]!]);
  });
}

Deno.test("systemFileSystem.lock() takes no lock on a file that was removed before it was locked", async () => {
  await using directory = new TestDirectory();
  const path = directory.at("lock");
  let removals = 0;
  using _patch = patch("tryLock", (original, args) => {
    if (removals++ === 0) Deno.removeSync(path);
    return original(...args);
  });
  const lock = await fs.lock(path, 0o600, "me");
  assertEquals(await lock?.isCurrent(), true);
  await lock?.close();
});

Deno.test("systemFileSystem: a write of which the system takes nothing poisons the log", async () => {
  await using directory = new TestDirectory();
  await using store = await MiniStore.open<string>(directory.at());
  using _patch = patch("writeSync", () => 0);
  const error = await errorOf(store.append("a"));
  assertEquals(error.code, "POISONED");
  assert(error.message.includes("wrote no bytes"), error.message);
});

Deno.test("systemFileSystem hands on an error that has no name", async () => {
  await using directory = new TestDirectory();
  await using store = await MiniStore.open<string>(directory.at());
  using _patch = patch("sync", failing(1, () => new Error("odd")));
  const { code, cause } = await errorOf(store.append("a"));
  assertEquals([code, (cause as Error).message], ["POISONED", "odd"]);
});

Deno.test("systemFileSystem.createDirectory() rejects where what it made cannot be synced", async () => {
  await using directory = new TestDirectory();
  const error = () => Object.assign(new Error("broken"), { code: "EIO" });
  using _patch = patch("sync", failing(1, error));
  const opened = errorOf(MiniStore.open(directory.at("a/journal.jsonl")));
  assertEquals((await opened).code, "IO");
});

Deno.test("systemFileSystem.createDirectory() makes one in a directory that may not be listed", async () => {
  await using directory = new TestDirectory();
  const { open } = Deno;
  Deno.open = (path, options) =>
    // As for a user who is not root, in a directory with mode 0733.
    path === directory.path
      ? Promise.reject(new Deno.errors.PermissionDenied("EACCES"))
      : open(path, options);
  try {
    await using store = await MiniStore.open(directory.at("a/journal.jsonl"));
    assertEquals(await store.append("a"), 1);
  } finally {
    Deno.open = open;
  }
});

Deno.test("systemFileSystem.lock() takes the file that somebody else has just made", async () => {
  await using directory = new TestDirectory();
  const path = directory.at("lock");
  const { open } = Deno;
  let made = 0;
  Deno.open = (path, options) => {
    if (options?.createNew && made++ === 0) Deno.writeTextFileSync(path, "");
    return open(path, options);
  };
  try {
    const lock = await fs.lock(path, 0o600, "me");
    assertEquals([await lock?.isCurrent(), made], [true, 1]);
    await lock?.close();
  } finally {
    Deno.open = open;
  }
  const lost = fs.lock(directory.at("none/lock"), 0o600, "me");
  await assertRejects(() => lost, Deno.errors.NotFound);
});

Deno.test("systemFileSystem.lock() is held where the system locks a file that it opens", async () => {
  await using directory = new TestDirectory();
  const { open } = Deno;
  // As on Windows, and on macOS under Node.
  const busy = Object.assign(new Error("busy"), { code: "EBUSY" });
  Deno.open = () => Promise.reject(busy);
  try {
    const lock = await fs.lock(directory.at("lock"), 0o600, "me");
    assertEquals(lock, undefined);
  } finally {
    Deno.open = open;
  }
});

const pipes = await run("mkfifo", "--version");
if (pipes.success) {
  Deno.test("MiniStore does not wait for a pipe in place of a file, and says what stands there", async () => {
    await using directory = new TestDirectory();
    for (const name of ["journal.jsonl", "journal.jsonl.lock"]) {
      const folder = directory.at(name.replace("journal", "in"));
      await Deno.mkdir(folder);
      await run("mkfifo", `${folder}/${name}`);
      const path = `${folder}/journal.jsonl`;
      const error = await errorOf(MiniStore.open(path));
      assertEquals(error.code, "UNSUPPORTED_FORMAT");
      assert(error.message.includes("a pipe"), error.message);
    }
  });
} else skipped("a pipe in place of a file", pipes.stderr);

Deno.test("systemFileSystem.open() opens what has the name by then, where a rename comes between", async () => {
  await using directory = new TestDirectory();
  const path = directory.at();
  await Deno.writeTextFile(path, "old");
  await Deno.writeTextFile(directory.at("new"), "newer");
  const { open } = Deno;
  let opened = 0;
  Deno.open = (path, options) => {
    if (opened++ === 0) Deno.renameSync(directory.at("new"), path);
    return open(path, options);
  };
  try {
    const file = await fs.open(path, "read");
    assertEquals([(await file.stat()).sizeBytes, opened], [5, 2]);
    await file.close();
  } finally {
    Deno.open = open;
  }
});
