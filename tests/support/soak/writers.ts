import type { StateManager } from "@mini/state/state";
import { MiniError, type MiniStore } from "@mini/state/store";
import type { Life } from "./life.ts";
import { takeIn, type Turn, type Turns } from "./turns.ts";

const CALLERS = ["a", "b", "c"];
/** The records before the last ones are compacted, as far as the consumer has come. */
const KEPT_RECORDS = 2_000;
const COMPACT_EVERY = 40;

/** Appends to a log, from callers at once and synchronously, and compacts it. */
export async function writeLog(
  store: MiniStore<Turn>,
  life: Life,
): Promise<void> {
  const turns: Turns = {};
  for await (const { data } of store.replay()) {
    if (turns[data.caller] === undefined) turns[data.caller] = data.turn;
    else takeIn(turns, data);
  }
  life.tell("found", "log", turns);
  const next = (caller: string): Turn => ({
    caller,
    turn: (turns[caller] ?? 0) + 1,
  });
  const taken = ({ caller, turn }: Turn) => {
    turns[caller] = turn;
    life.tell("taken", "log", caller, turn);
  };
  await life.pace(async (count) => {
    const sync = next("sync");
    try {
      store.appendSync(sync);
      taken(sync);
    } catch (error) {
      if (!(error instanceof MiniError && error.code === "BUSY")) throw error;
    }
    await Promise.all(CALLERS.map(async (caller, index) => {
      const turn = next(caller);
      // A kill takes back nothing that was written.
      await store.append(turn, { durable: index > 0 });
      taken(turn);
    }));
    if (count % COMPACT_EVERY === 0) {
      await store.compact(Math.max(0, store.sequence - KEPT_RECORDS));
    }
  });
}

/** Applies to a state, one by one and in batches; its snapshots and its compaction are its own matter. */
export async function writeState(
  manager: StateManager<Turns, Turn>,
  life: Life,
): Promise<void> {
  life.tell("found", "state", manager.state);
  await life.pace(async (count) => {
    await Promise.all(CALLERS.map(async (caller, index) => {
      const turn = (manager.state[caller] ?? 0) + 1;
      const turns = Array.from(
        { length: index === 0 ? 3 : 1 },
        (_, more) => ({ caller, turn: turn + more }),
      );
      await manager.applyBatch(turns);
      life.tell("taken", "state", caller, turns.at(-1)!.turn);
    }));
    if (count % COMPACT_EVERY === 0) await manager.compact();
  });
}
