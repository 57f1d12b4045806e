// Backups by hard links, as `cp -al` makes them: one file, and a name of it in each folder.
import { assert, assertEquals } from "@std/assert";
import { MiniStore } from "@mini/state/store";
import { MemoryFileSystem } from "@mini/state/testing";

Deno.test("MiniStore.open() continues in a folder that was backed up by hard links, and leaves the lock of the copy alone", async () => {
  const fs = new MemoryFileSystem();
  const path = "/data/journal.jsonl";
  await (await MiniStore.open<number>(path, { fs })).close();
  for (const name of fs.names("/data")) {
    await fs.createDirectory("/backup", 0o700);
    fs.link(`/data/${name}`, `/backup/${name}`);
  }
  const note = fs.content("/backup/journal.jsonl.lock");
  await using store = await MiniStore.open<number>(path, { fs });
  assertEquals(await store.append(1), 1);
  assertEquals(fs.content("/backup/journal.jsonl.lock"), note);
  const lock = await fs.lock("/backup/journal.jsonl.lock", 0o600, "");
  assert(lock !== undefined, "the copy has a lock of its own");
});

Deno.test("MiniStore.open() writes nothing into a copy by hard links of a log that is closed, nor into its original", async () => {
  const fs = new MemoryFileSystem();
  const [original, copy] = ["/data/journal.jsonl", "/backup/journal.jsonl"];
  {
    await using store = await MiniStore.open<number>(original, { fs });
    await store.append(1);
  }
  await fs.createDirectory("/backup", 0o700);
  for (const name of fs.names("/data")) {
    fs.link(`/data/${name}`, `/backup/${name}`);
  }
  for (const path of [copy, original]) {
    await using store = await MiniStore.open<number>(path, { fs });
    assertEquals([store.recovery.outcome, store.sequence], ["clean", 1]);
    assertEquals(await store.append(2), 2);
  }
});

Deno.test("MiniStore.open() replaces a lock with a second name whatever a crash has left of its note", async () => {
  const note = '{"pid":1,"since":"long ago"}';
  for (const left of ["", "\0".repeat(128), note.slice(0, 4), note]) {
    const fs = new MemoryFileSystem();
    fs.put("/data/backup", new TextEncoder().encode(left));
    fs.link("/data/backup", "/data/journal.jsonl.lock");
    await using store = await MiniStore.open<number>("/data/journal.jsonl", {
      fs,
    });
    assertEquals(await store.append(1), 1);
    assertEquals(new TextDecoder().decode(fs.content("/data/backup")), left);
  }
});

Deno.test("MiniStore.open() continues in the file itself where the system does not tell how many names it has", async () => {
  const fs = new MemoryFileSystem();
  fs.user = undefined;
  const path = "/data/journal.jsonl";
  await (await MiniStore.open<number>(path, { fs })).close();
  const before = (await fs.stat(path))!.identity;
  await using store = await MiniStore.open<number>(path, { fs });
  assertEquals(await store.append(1), 1);
  assertEquals((await fs.stat(path))!.identity, before);
});
