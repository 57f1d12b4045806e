import { assertEquals } from "@std/assert";
import { MiniStore } from "@mini/state/store";
import { MemoryFileSystem } from "@mini/state/testing";

Deno.test("MiniStore waits for a file system whose promises are of another realm", async () => {
  const fs = new MemoryFileSystem();
  const foreign = new Proxy(fs, {
    get(target, name) {
      const member = Reflect.get(target, name, target);
      if (typeof member !== "function") return member;
      if (name !== "stat") return member.bind(target);
      return (path: string) => {
        const found = target.stat(path);
        return { then: found.then.bind(found) };
      };
    },
  });
  await using store = await MiniStore.open<string>("/data/journal.jsonl", {
    fs: foreign,
  });
  assertEquals(await store.append("a"), 1);
  await store.rotate();
  assertEquals(await store.append("b"), 2);
});
