import { readdir, readFile, writeFile } from "node:fs/promises";
import type { Library } from "./library.ts";
import { equal, ok, refused, type Suite } from "./suite.ts";

/** Snapshots are whole or not there. */
export async function checkSnap(
  suite: Suite,
  { snap: { SnapStore } }: Library,
): Promise<void> {
  await suite.check("snap: create, restore, keep the last two", async (dir) => {
    const snaps = new SnapStore<{ value: number }>(dir);
    equal(await snaps.restore(), undefined);
    for (const seq of [1, 2, 3]) await snaps.create({ value: seq }, seq);
    equal((await snaps.list()).map((info) => info.seq), [2, 3]);
    const restored = await snaps.restore();
    equal([restored?.state.value, restored?.seq], [3, 3]);
    equal((await snaps.restore(2))?.seq, 2);
    equal((await readdir(dir)).sort(), [
      "snapshot_00000000000000000002.json",
      "snapshot_00000000000000000003.json",
    ]);
  });
  await suite.check(
    "snap: a damaged one is set aside, the one before restored",
    async (dir) => {
      const snaps = new SnapStore<{ value: number }>(dir);
      await snaps.create({ value: 1 }, 1);
      const { path } = await snaps.create({ value: 2 }, 2);
      const text = await readFile(path, "utf8");
      await writeFile(path, text.replace('"value": 2', '"value": 3'));
      const restored = await snaps.restore();
      equal([restored?.seq, restored?.state.value], [1, 1]);
      equal(restored?.rejected.map((one) => one.path), [`${path}.bad`]);
      equal(restored?.rejected[0]?.error.code, "CORRUPT");
      ok(
        (await readdir(dir)).some((name) => name.endsWith(".bad")),
        "it is kept",
      );
    },
  );
  await suite.check("snap: a codec carries what JSON cannot", async (dir) => {
    await refused(
      "UNSERIALIZABLE",
      () => new SnapStore<unknown>(dir).create({ map: new Map() }, 1),
    );
    const codec = {
      encode: (state: Map<string, Date>) =>
        [...state].map(([key, date]) => [key, date.toISOString()]),
      decode: (json: unknown) =>
        new Map(
          (json as [string, string][]).map(([key, text]) => [
            key,
            new Date(text),
          ]),
        ),
    };
    const snaps = new SnapStore<Map<string, Date>>(dir, { codec });
    await snaps.create(new Map([["start", new Date(0)]]), 1);
    equal((await snaps.restore())?.state.get("start"), new Date(0));
  });
}
