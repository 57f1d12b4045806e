import { assert, assertEquals } from "@std/assert";
import {
  type FileSystem,
  MiniStore,
  systemFileSystem,
} from "@mini/state/store";
import { MemoryFileSystem } from "@mini/state/testing";
import { runScript } from "../support/child.ts";
import { TestDirectory } from "../support/dir.ts";
import { errorOf } from "../support/journal.ts";
import { say } from "../support/report.ts";

Deno.test("MiniStore.open() refuses a second handle in the process, and says what to do", async () => {
  await using directory = new TestDirectory();
  {
    await using _store = await MiniStore.open(directory.at());
    const error = await errorOf(MiniStore.open(directory.at()));
    assertEquals(error.code, "LOCKED");
    assert(error.message.includes("this process"), error.message);
    assert(error.message.includes("MiniStore.replay()"), error.message);
  }
  await using _again = await MiniStore.open(directory.at());
});

Deno.test("MiniStore.open() refuses a second process, which is told who holds the lock", async () => {
  await using directory = new TestDirectory();
  await using _store = await MiniStore.open(directory.at());
  const { stdout } = await runScript(
    `
    import { MiniStore } from "@mini/state/store";
    try {
      await MiniStore.open(Deno.args[0]);
      console.log("opened");
    } catch (error) {
      console.log(error.code, error.message);
    }`,
    [directory.at()],
  );
  assert(stdout.startsWith("LOCKED "), stdout);
  assert(stdout.includes(`process ${Deno.pid},`), stdout);
});

Deno.test("MiniStore.open() is LOCKED also where nobody can tell who holds the lock", async () => {
  await using directory = new TestDirectory();
  await using _store = await MiniStore.open(directory.at());
  for (const note of ["", "no note", "null"]) {
    await Deno.writeTextFile(directory.at("journal.jsonl.lock"), note);
    const error = await errorOf(MiniStore.open(directory.at()));
    assertEquals(error.code, "LOCKED");
    const { uid } = await Deno.stat(directory.at("journal.jsonl.lock"));
    const whose = uid === null ? "" : ` (the lock is user ${uid}'s)`;
    const holder = `another process${whose} has it`;
    assert(error.message.includes(holder), error.message);
  }
});

for (
  const left of ["", "\0".repeat(60), '{"pi', '{"pid":71,"sin', '{"pid":71\0\0']
) {
  Deno.test(`MiniStore.open() takes a lock file that a crash has left as ${JSON.stringify(left)}`, async () => {
    const fs = new MemoryFileSystem();
    fs.put("/data/journal.jsonl.lock", new TextEncoder().encode(left));
    await using _store = await MiniStore.open("/data/journal.jsonl", { fs });
  });
}

const PRECIOUS: [what: string, content: string][] = [
  ["text", "precious"],
  ["JSON", '{"user":1}'],
  [
    "a note, and more than a note has",
    `{"pid":1,"since":""}${" ".repeat(2_000)}`,
  ],
];
for (const [what, content] of PRECIOUS) {
  for (const name of ["journal.jsonl.lock", "journal.jsonl.tmp"]) {
    Deno.test(`MiniStore.open() writes nothing into a file with ${what} that is linked to ${name}`, async () => {
      const fs = new MemoryFileSystem();
      fs.put("/data/precious", new TextEncoder().encode(content));
      fs.link("/data/precious", `/data/${name}`);
      const error = await errorOf(
        MiniStore.open("/data/journal.jsonl", { fs }),
      );
      assertEquals(error.code, "UNSUPPORTED_FORMAT");
      assert(
        error.message.includes("a hard link to another file"),
        error.message,
      );
      assert(error.message.includes(`/data/${name}`), error.message);
      const left = new TextDecoder().decode(fs.content("/data/precious"));
      assertEquals(left, content);
      assert(fs.names("/data").includes(name), "the link is there");
      assert(!fs.names("/data").includes("journal.jsonl"), "no journal is");
    });
  }
}

Deno.test("MiniStore.open() writes nothing into what stands in place of its lock file and is none", async () => {
  for (const content of ["precious", '{"user":1}', " ".repeat(2_000)]) {
    const fs = new MemoryFileSystem();
    fs.put("/data/journal.jsonl.lock", new TextEncoder().encode(content));
    const error = await errorOf(MiniStore.open("/data/journal.jsonl", { fs }));
    assertEquals(error.code, "UNSUPPORTED_FORMAT");
    assert(error.message.includes("not a lock"), error.message);
    const left = fs.content("/data/journal.jsonl.lock");
    assertEquals(new TextDecoder().decode(left), content);
  }
});

Deno.test("MiniStore.open() is LOCKED by nobody in particular where the system has no users", async () => {
  const fs = new MemoryFileSystem();
  fs.user = undefined;
  const path = "/data/journal.jsonl";
  await fs.createDirectory("/data", 0o700);
  await fs.lock(`${path}.lock`, 0o600, "");
  const isLocked = async () => {
    const { code, message } = await errorOf(MiniStore.open(path, { fs }));
    assertEquals(code, "LOCKED");
    assert(message.includes("another process has it open"), message);
  };
  await isLocked();
  // Nor is it of any more use where the note cannot be read.
  fs.hooks.before = ({ operation, path: at }) =>
    operation === "open" && at.endsWith(".lock") ? { code: "EIO" } : undefined;
  await isLocked();
});

Deno.test("MiniStore.open() takes the lock file that somebody else has just made", async () => {
  const fs = new MemoryFileSystem();
  const path = "/data/journal.jsonl";
  fs.hooks.before = ({ operation, path: made }) => {
    const isLock = operation === "create" && made.endsWith(".lock");
    if (isLock) fs.put(made, new Uint8Array(0));
    return undefined;
  };
  await using store = await MiniStore.open<number>(path, { fs });
  assertEquals(await store.append(1), 1);
});

Deno.test("MiniStore.open() takes a lock whose file somebody removes between two looks at it", async () => {
  const { lstatSync } = Deno;
  for (const removedAt of [1, 2, 3]) {
    await using directory = new TestDirectory();
    await (await MiniStore.open(directory.at())).close();
    let looks = 0;
    const remove = (path: string) => {
      const found = lstatSync(path);
      const isLock = path.endsWith(".lock");
      if (isLock && ++looks === removedAt) Deno.removeSync(path);
      return found;
    };
    Object.assign(Deno, { lstatSync: remove });
    try {
      await using store = await MiniStore.open<number>(directory.at());
      assertEquals(await store.append(1), 1, `removed after look ${removedAt}`);
    } finally {
      Object.assign(Deno, { lstatSync });
    }
  }
});

Deno.test("MiniStore.open() finds the lock free after the holder was killed with SIGKILL", async () => {
  await using directory = new TestDirectory();
  const child = await runScript(
    `
    import { MiniStore } from "@mini/state/store";
    const store = await MiniStore.open(Deno.args[0]);
    await store.append("from the child");
    Deno.kill(Deno.pid, "SIGKILL");
    await new Promise(() => {});`,
    [directory.at()],
  );
  assert(!child.success);
  await using store = await MiniStore.open<string>(directory.at());
  assertEquals(store.recovery.outcome, "unclean");
  assertEquals(
    (await Array.fromAsync(store.replay()))[0]?.data,
    "from the child",
  );
});

Deno.test("MiniStore.open() that fails leaves the log unlocked", async () => {
  await using directory = new TestDirectory();
  await Deno.writeTextFile(directory.at(), "not a journal\n");
  assertEquals(
    (await errorOf(MiniStore.open(directory.at()))).code,
    "UNSUPPORTED_FORMAT",
  );
  await Deno.remove(directory.at());
  await using store = await MiniStore.open(directory.at());
  assertEquals(store.recovery.outcome, "created");
});

Deno.test("MiniStore never removes its lock file", async () => {
  await using directory = new TestDirectory();
  await (await MiniStore.open(directory.at())).close();
  assertEquals(directory.names(), ["journal.jsonl", "journal.jsonl.lock"]);
});

Deno.test("MiniStore stops writing when its lock file was removed", async () => {
  await using directory = new TestDirectory();
  const store = await MiniStore.open<number>(directory.at());
  await store.append(1);
  await Deno.remove(directory.at("journal.jsonl.lock"));
  assertEquals((await errorOf(store.rotate())).code, "POISONED");
  assertEquals((await errorOf(store.append(2))).code, "POISONED");
  await store.close();
});

Deno.test("MiniStore whose lock file was removed acknowledges nothing beside the next owner", async () => {
  await using directory = new TestDirectory();
  const first = await MiniStore.open<string>(directory.at());
  await first.append("first");
  await Deno.remove(directory.at("journal.jsonl.lock"));
  await using second = await MiniStore.open<string>(directory.at());
  assertEquals((await errorOf(first.append("lost"))).code, "POISONED");
  await first.close();
  await second.append("second");
  const data = await Array.fromAsync(second.replay(), (record) => record.data);
  assertEquals(data, ["first", "second"]);
});

Deno.test("MiniStore whose lock file was removed acknowledges nothing that the next owner has not seen", async () => {
  await using directory = new TestDirectory();
  const first = await MiniStore.open<string>(directory.at());
  await first.append("first");
  await Deno.remove(directory.at("journal.jsonl.lock"));
  let code: string | undefined;
  const fs: FileSystem = {
    ...systemFileSystem,
    async rename(from, to) {
      // The copy that takes the journal's place is made, and does not hold this.
      code = (await errorOf(first.append("lost"))).code;
      await systemFileSystem.rename(from, to);
    },
  };
  await using second = await MiniStore.open<string>(directory.at(), { fs });
  assertEquals(code, "POISONED");
  await first.close();
  const data = await Array.fromAsync(second.replay(), (record) => record.data);
  assertEquals(data, ["first"]);
});

if (Deno.build.os === "windows") {
  say(
    "SKIPPED symbolic links and permissions: Windows has neither in this form",
  );
} else {
  for (
    const name of ["journal.jsonl", "journal.jsonl.lock", "journal.jsonl.tmp"]
  ) {
    Deno.test(`MiniStore.open() does not follow a symbolic link in place of ${name}`, async () => {
      await using directory = new TestDirectory();
      await using outside = new TestDirectory();
      const target = outside.at("target");
      await Deno.writeTextFile(target, "");
      await Deno.symlink(target, directory.at(name));
      if (name.endsWith(".tmp")) {
        await using store = await MiniStore.open(directory.at());
        await store.append("x");
      } else {
        const error = await errorOf(MiniStore.open(directory.at()));
        assertEquals(error.code, "UNSUPPORTED_FORMAT");
        assert(error.message.includes("a symbolic link"), error.message);
      }
      assertEquals(await Deno.readTextFile(target), "");
    });
  }

  Deno.test("MiniStore.open() does not follow a symbolic link in place of a sealed segment", async () => {
    await using directory = new TestDirectory();
    {
      await using store = await MiniStore.open(directory.at());
      await store.append("x");
      await store.rotate();
    }
    const sealed = directory.at("journal.00000000000000000000.jsonl");
    await Deno.rename(sealed, directory.at("moved"));
    await Deno.symlink(directory.at("moved"), sealed);
    assertEquals(
      (await errorOf(MiniStore.open(directory.at()))).code,
      "UNSUPPORTED_FORMAT",
    );
    const read = Array.fromAsync(MiniStore.replay(directory.at()));
    assertEquals((await errorOf(read)).code, "UNSUPPORTED_FORMAT");
  });

  Deno.test("MiniStore.open() makes its directory 0700 and its files 0600, or as mode says", async () => {
    await using directory = new TestDirectory();
    const mode = (path: string) => (Deno.statSync(path).mode ?? 0) & 0o777;
    for (const [name, want] of [["a", 0o600], ["b", 0o640]] as const) {
      const path = directory.at(`${name}/journal.jsonl`);
      const options = want === 0o600 ? {} : { mode: want };
      await using store = await MiniStore.open(path, options);
      await store.append("x");
      await store.rotate();
      const enter = want === 0o600 ? 0o700 : 0o750;
      assertEquals(mode(directory.at(name)), enter);
      for await (const { name: file } of Deno.readDir(directory.at(name))) {
        assertEquals(mode(directory.at(`${name}/${file}`)), want, file);
      }
    }
  });
}
