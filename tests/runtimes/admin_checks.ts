import { join } from "node:path";
import type { Library } from "./library.ts";
import { collect, equal, ok, refused, type Suite } from "./suite.ts";

/** The functions that look, back up and mend do so on this runtime. */
export async function checkAdmin(
  suite: Suite,
  { admin, queue, state }: Library,
): Promise<void> {
  const definition = {
    initial: () => ({ total: 0 }),
    apply: (state: { total: number }, by: number) => void (state.total += by),
  };
  await suite.check(
    "admin: a state is verified and backed up while it is open, and restored",
    async (dir) => {
      const [live, copy, back] = ["live", "copy", "back"]
        .map((name) => join(dir, name)) as [string, string, string];
      const open = await state.StateManager.open(live, definition);
      for (const by of [1, 2, 3]) await open.apply(by);
      await open.createSnapshot();
      const { findings, last } = await admin.verify(live);
      equal([findings, last], [[], 3]);
      equal((await collect(admin.verifySegments(live))).length, 1);
      equal((await admin.verifySnapshots(live))[0]?.status, "whole");
      equal((await admin.backup(live, copy)).last, 3);
      await open.close();
      equal((await admin.restore(copy, back)).last, 3);
      const restored = await state.StateManager.open(back, definition);
      equal(restored.state.total, 6);
      await restored.close();
    },
  );
  await suite.check(
    "admin: a queue is counted beside its owner",
    async (dir) => {
      const jobs = await queue.MiniQueue.open<string>(dir);
      await jobs.enqueue("job");
      equal((await admin.stat(dir)).queue?.ready, 1);
      await jobs.close();
    },
  );
  await suite.check("admin: a call stops with the reason", async (dir) => {
    await refused("NOT_FOUND", () => admin.verify(join(dir, "none")));
    const reason = new Error("enough");
    const signal = AbortSignal.abort(reason);
    const told = await admin.verify(dir, { signal }).catch((error) => error);
    ok(told === reason, "it rejects with the reason itself");
  });
}
