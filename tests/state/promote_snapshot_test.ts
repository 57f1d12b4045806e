import { assertEquals, assertRejects } from "@std/assert";
import { MemoryFileSystem } from "@mini/state/testing";
import { type Add, openCounter } from "../support/counter.ts";
import { openView } from "../support/view.ts";

function damageNewest(fs: MemoryFileSystem): void {
  const names = fs.names("/data").filter((name) =>
    name.startsWith("snapshot_")
  );
  fs.put(`/data/${names.sort().at(-1)}`, new TextEncoder().encode("damage"));
}

Deno.test("StateView.promote() sets a snapshot aside that is damaged, as opening does", async () => {
  const fs = new MemoryFileSystem();
  const killed = await openCounter("/data", { fs });
  await killed.apply({ by: 1 });
  const view = await openView(fs);
  await killed.createSnapshot();
  await view.until(await killed.apply({ by: 2 }));
  fs.restart();
  damageNewest(fs);
  await using counter = await view.promote();
  const { rejected, snapshotSequence, replayed } = counter.recovery;
  assertEquals([rejected.length, snapshotSequence, replayed], [1, 0, 2]);
  assertEquals(counter.state.value, 3);
});

Deno.test("StateView.promote() counts on no snapshot of another version that the view has not seen", async () => {
  const fs = new MemoryFileSystem();
  const options = {
    fs,
    maxSegmentBytes: 1,
    snapshotEvery: "never",
    version: 2,
    upcast: (add: unknown) => add as Add,
  } as const;
  const killed = await openCounter("/data", { ...options, version: 1 });
  for (const by of [1, 2]) await killed.apply({ by });
  const view = await openView(fs, options);
  await killed.createSnapshot();
  await view.until(await killed.apply({ by: 4 }));
  fs.restart();
  {
    await using counter = await view.promote();
    const { snapshotSequence, replayed } = counter.recovery;
    assertEquals([snapshotSequence, replayed], [0, 3]);
    await counter.apply({ by: 8 });
    await counter.compact();
  }
  // The state can still be made without the newest snapshot.
  damageNewest(fs);
  await using again = await openCounter("/data", options);
  assertEquals(again.state.value, 15);
});

Deno.test("StateView.promote() ends with its signal while it is opening, and the view follows on", async () => {
  const fs = new MemoryFileSystem();
  const killed = await openCounter("/data", { fs });
  await killed.apply({ by: 1 });
  await using view = await openView(fs);
  fs.restart();
  const stop = new AbortController();
  fs.hooks.before = () => {
    stop.abort(new Error("enough"));
    return undefined;
  };
  const { signal } = stop;
  await assertRejects(() => view.promote({ signal }), Error, "enough");
  fs.hooks = {};
  await using writer = await openCounter("/data", { fs });
  await view.until(await writer.apply({ by: 2 }));
  assertEquals([view.state.value, view.resets], [3, 0]);
});
