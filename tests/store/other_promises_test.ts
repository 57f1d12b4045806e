import { assertEquals } from "@std/assert";
import {
  type CommitMessage,
  type FileSystem,
  MiniStore,
} from "@mini/state/store";
import { MemoryFileSystem } from "@mini/state/testing";
import { errorOf } from "../support/journal.ts";
import { Listener } from "../support/listener.ts";

const PATH = "/data/journal.jsonl";

/** A promise of another realm: `await` waits for it, and its `then` gives nothing. */
function foreign<T>(promise: Promise<T>): Promise<T> {
  const then = (...callbacks: Parameters<typeof promise.then>) => {
    promise.then(...callbacks);
  };
  return { then } as unknown as Promise<T>;
}

/** An object whose methods of these names give promises of another realm. */
function otherPromises<T extends object>(object: T, names: string[]): T {
  return new Proxy(object, {
    get(target, name) {
      const member = Reflect.get(target, name, target);
      if (typeof member !== "function") return member;
      if (name === "create" || name === "open") {
        return async (...args: unknown[]) =>
          otherPromises(await member.apply(target, args), names);
      }
      const isOther = names.includes(String(name));
      return (...args: unknown[]) => {
        const result = member.apply(target, args);
        return isOther ? foreign(result) : result;
      };
    },
  });
}

const NAMES = ["stat", "write", "sync"];

Deno.test("MiniStore waits for a file system whose promises are of another realm", async () => {
  const fs: FileSystem = otherPromises(new MemoryFileSystem(), NAMES);
  await using store = await MiniStore.open<string>(PATH, { fs });
  assertEquals(await store.append("a"), 1);
  await store.rotate();
  assertEquals(await store.append("b"), 2);
});

Deno.test("MiniStore acknowledges nothing before an fsync that gives a promise of another realm, and tells of its failure", async () => {
  const memory = new MemoryFileSystem();
  const fs: FileSystem = otherPromises(memory, NAMES);
  using listener = new Listener(["commit"], ["poisoned"]);
  const store = await MiniStore.open<string>(PATH, { fs });
  await store.append("a");
  const [first] = listener.of("commit asyncEnd") as unknown as CommitMessage[];
  assertEquals(first!.bytes! > 0, true, "told before it was written");
  memory.hooks.before = ({ operation }) =>
    operation === "sync" ? { code: "EIO" } : undefined;
  const error = await errorOf(store.append("b"));
  assertEquals(error.code, "POISONED");
  assertEquals(listener.of("commit error").map(({ error }) => error), [error]);
  memory.hooks = {};
  await store.close();
});
