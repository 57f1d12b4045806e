import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Library } from "./library.ts";
import { collect, equal, refused, type Suite } from "./suite.ts";

const TURNS = {
  initial: (): string[] => [],
  apply: (turns: string[], turn: string): void => void turns.push(turn),
  maxSegmentBytes: 400,
};

const RECORDS: readonly unknown[] = [
  "ü 漢 😀 \u2028",
  { nested: [1, -2.5, 1e300, null, true] },
  "x".repeat(200_000),
];

/** Leaves a folder for another runtime: a log, a torn one, a damaged one, a state and a queue. */
export async function writeFolder(
  { store, state, queue }: Library,
  dir: string,
): Promise<void> {
  for (const name of ["whole", "torn", "flipped"]) {
    const log = await store.MiniStore.open<unknown>(join(dir, `${name}.jsonl`));
    for (const record of RECORDS) await log.append(record);
    await log.rotate();
    await log.appendBatch([4, 5, 6]);
    await log.close();
  }
  const torn = join(dir, "torn.jsonl");
  await writeFile(torn, (await readFile(torn, "utf8")) + '{"crc":"0000');
  const flipped = join(dir, "flipped.jsonl");
  const text = await readFile(flipped, "utf8");
  await writeFile(flipped, text.replace("[4,5,6]", "[4,5,7]"));
  const turns = await state.StateManager.open(join(dir, "state"), TURNS);
  for (let n = 0; n < 20; n++) await turns.apply(`turn ${n}`);
  await turns.compact();
  await turns.apply("after the snapshot");
  await turns.close();
  const jobs = await queue.MiniQueue.open<string>(join(dir, "queue"));
  await jobs.enqueueBatch([{ payload: "a", group: "g" }, { payload: "b" }]);
  await (await jobs.receive())!.nack({ delayMs: 0, reason: "not now" });
  await jobs.close();
}

/** Finds in a folder what another runtime has left, and continues with it. */
export async function checkFolder(
  suite: Suite,
  { store: { MiniStore }, state, queue }: Library,
  dir: string,
): Promise<void> {
  for (const name of ["whole", "torn"]) {
    await suite.check(
      `exchange: the ${name} log of the other runtime`,
      async () => {
        const log = await MiniStore.open<unknown>(join(dir, `${name}.jsonl`));
        equal(log.recovery.outcome, name === "whole" ? "clean" : "torn");
        equal(await log.append("mine"), 7);
        const records = await collect(log.replay());
        equal(records.map(({ data }) => data), [...RECORDS, 4, 5, 6, "mine"]);
        await log.close();
      },
    );
  }
  await suite.check(
    "exchange: the damaged log of the other runtime",
    async () => {
      const path = join(dir, "flipped.jsonl");
      const error = await refused("CORRUPT", () => MiniStore.open(path));
      equal([error.path, error.seq], [path, 4]);
    },
  );
  await suite.check("exchange: the state of the other runtime", async () => {
    const turns = await state.StateManager.open(join(dir, "state"), TURNS);
    equal([turns.state.length, turns.recovery.snapshotSequence], [21, 20]);
    equal(turns.state.at(-1), "after the snapshot");
    await turns.apply("mine");
    await turns.close();
  });
  await suite.check("exchange: the queue of the other runtime", async () => {
    const jobs = await queue.MiniQueue.open<string>(join(dir, "queue"));
    const first = await jobs.receive({ waitMs: 60_000 });
    equal([first?.payload, first?.attempts], ["a", 2]);
    equal(first?.lastFailure, "not now");
    await jobs.close();
  });
}
