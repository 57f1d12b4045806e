// A file system of the caller's own, which does not keep to what `FileSystem` says.
import { assert, assertEquals } from "@std/assert";
import { MiniStore } from "@mini/state/store";
import { MemoryFileSystem } from "@mini/state/testing";
import { errorOf } from "../support/journal.ts";
import { withMethods } from "../support/with_methods.ts";

const PATH = "/data/journal.jsonl";

Deno.test("MiniStore.open() gives the words of what a file system has thrown that is no Error", async () => {
  const fs = withMethods(new MemoryFileSystem(), {
    lock: () => Promise.reject("the tape is not mounted"),
  });
  const error = await errorOf(MiniStore.open(PATH, { fs }));
  assertEquals([error.code, error.cause], ["IO", "the tape is not mounted"]);
  assert(error.message.includes("the tape is not mounted"), error.message);
});

Deno.test("MiniStore is poisoned by whatever a write throws that has no name", async () => {
  const memory = new MemoryFileSystem();
  let isTorn = false;
  const fs = withMethods(memory, {
    create: async (path, mode) => {
      const file = await memory.create(path, mode);
      return {
        ...file,
        write: (bytes) =>
          isTorn ? Promise.reject("the tape is torn") : file.write(bytes),
      };
    },
  });
  const store = await MiniStore.open<string>(PATH, { fs });
  await store.append("before");
  isTorn = true;
  const error = await errorOf(store.append("lost"));
  assertEquals([error.code, error.cause], ["POISONED", "the tape is torn"]);
  assert(error.message.includes("the tape is torn"), error.message);
  await store.close();
  isTorn = false;
  memory.restart();
  await using again = await MiniStore.open<string>(PATH, { fs: memory });
  assertEquals(again.sequence, 1);
});
