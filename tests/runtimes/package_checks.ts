import { join } from "node:path";
import type { Library } from "./library.ts";
import { collect, equal, ok, refused, type Suite } from "./suite.ts";

/** The package holds together: what several entry points export is one thing. */
export async function checkPackage(
  suite: Suite,
  { root, store, snap, state, queue, testing }: Library,
): Promise<void> {
  const bricks = { store, snap, state, queue };
  for (const [name, brick] of Object.entries(bricks)) {
    await suite.check(`package: "." exports all of "./${name}"`, () => {
      const whole = root as unknown as Record<string, unknown>;
      ok(Object.keys(brick).length > 0, `./${name} exports something`);
      for (const [key, value] of Object.entries(brick)) {
        ok(whole[key] === value, `${key} is the same`);
      }
    });
  }
  await suite.check(
    "package: an error is a MiniError everywhere",
    async (dir) => {
      const path = join(dir, "journal.jsonl");
      const open = await root.MiniStore.open(path);
      const error = await refused("LOCKED", () => store.MiniStore.open(path));
      await open.close();
      ok(error instanceof root.MiniError, "it is one of .");
      ok(error instanceof store.MiniError, "it is one of ./store");
      const manager = await state.StateManager.open(dir, {
        initial: () => 0,
        apply: (sum, by: number) => sum + by,
      });
      await manager.close();
      const closed = await refused("CLOSED", () => manager.apply(1));
      ok(closed instanceof store.MiniError, "one of ./state is one of ./store");
      const jobs = await queue.MiniQueue.open(join(dir, "jobs"));
      await jobs.close();
      const gone = await refused("CLOSED", () => jobs.enqueue("job"));
      ok(gone instanceof store.MiniError, "one of ./queue is one of ./store");
    },
  );
  await suite.check("package: handles can be disposed of", async (dir) => {
    const open = await store.MiniStore.open(join(dir, "journal.jsonl"));
    await open[Symbol.asyncDispose]();
    await refused("CLOSED", () => open.append("late"));
  });
  await suite.check(
    "package: the file system in memory is a file system",
    async () => {
      const fs = new testing.MemoryFileSystem();
      const open = await store.MiniStore.open<string>("/d/journal.jsonl", {
        fs,
      });
      equal(await open.append("in memory"), 1);
      const records = await collect(open.replay());
      equal(records.map((record) => record.data), ["in memory"]);
      await open.close();
    },
  );
}
