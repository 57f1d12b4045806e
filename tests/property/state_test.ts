import { assertEquals } from "@std/assert";
import type { MiniError } from "@mini/state/store";
import { StateManager, type StateOptions } from "@mini/state/state";
import { MemoryFileSystem, Random, randomSeed } from "@mini/state/testing";
import { type Add, COUNTER, type Counter } from "../support/counter.ts";
import { say } from "../support/report.ts";

/** Set SEED to run the same again. */
const seed = Number(Deno.env.get("SEED") ?? randomSeed());

/** What the manager should be: the state after every record, and the mutations with an effect. */
class Model {
  readonly states: Counter[] = [{ value: 0, log: [] }];
  readonly effects: [seq: number, note: string][] = [];

  get state(): Counter {
    return this.states.at(-1)!;
  }

  /** Takes in records: the mutations of one, or none for one without an effect. */
  record(...mutations: Add[]): void {
    const { value, log } = this.state;
    const seq = this.states.length;
    const notes = mutations.map(({ note }) => note!);
    const sum = mutations.reduce((total, { by }) => total + by, 0);
    this.states.push({ value: value + sum, log: [...log, ...notes] });
    for (const note of notes) this.effects.push([seq, note]);
  }
}

function randomOptions(
  fs: MemoryFileSystem,
  random: Random,
): StateOptions<Counter, Add> {
  return {
    ...COUNTER,
    fs,
    keepSnapshots: 1 + random.below(3),
    maxSegmentBytes: 100 + random.below(3_000),
    ...(random.oneIn(2) && { snapshotEvery: 1 + random.below(10) }),
  };
}

async function compareWithModel(
  random: Random,
  label: string,
): Promise<number> {
  const fs = new MemoryFileSystem();
  const open = () => StateManager.open("/data", randomOptions(fs, random));
  const model = new Model();
  let manager = await open();
  const length = 15 + random.below(25);
  let notes = 0;
  const add = (): Add => ({ by: random.below(100), note: String(notes++) });
  for (let command = 0; command < length; command++) {
    switch (random.below(9)) {
      case 0:
      case 1: {
        const mutations = Array.from({ length: 1 + random.below(5) }, add);
        for (const mutation of mutations) model.record(mutation);
        await Promise.all(mutations.map((mutation) => manager.apply(mutation)));
        break;
      }
      case 2: {
        const mutations = Array.from({ length: 1 + random.below(3) }, add);
        model.record(...mutations);
        await manager.applyAll(mutations);
        break;
      }
      case 3: {
        model.record();
        const failed = await manager.apply({ ...add(), fail: true })
          .catch((error: MiniError) => error.code);
        assertEquals(failed, "ABORTED_MUTATION", label);
        // That it was aborted is a record as well.
        model.record();
        break;
      }
      case 4: {
        const mutation = add();
        model.record(mutation);
        await manager.transact((state) => {
          assertEquals(state, model.states.at(-2)!, label);
          return mutation;
        });
        break;
      }
      case 5:
        await manager.createSnapshot();
        break;
      case 6:
        await manager.compact();
        break;
      case 7:
        await manager.close();
        manager = await open();
        break;
      default:
        fs.restart();
        manager = await open();
    }
    assertEquals(manager.state, model.state, label);
    assertEquals(manager.sequence, model.states.length - 1, label);
  }
  await checkPast(manager, model, label);
  return length;
}

/** What is left of the past is as it was. */
async function checkPast(
  manager: StateManager<Counter, Add>,
  model: Model,
  label: string,
): Promise<void> {
  for (const [seq, state] of model.states.entries()) {
    const found = await manager.at(seq).catch((error: MiniError) => error.code);
    assertEquals(
      found === "COMPACTED" ? state : found,
      state,
      `${label}, at ${seq}`,
    );
  }
  const seen: [number, string][] = [];
  for await (const { seq, mutation } of manager.history()) {
    seen.push([seq, mutation.note!]);
  }
  assertEquals(
    seen,
    seen.length === 0 ? [] : model.effects.slice(-seen.length),
    label,
  );
}

Deno.test("StateManager behaves as a plain object does, over random commands, reopening and kills", async () => {
  const runs = 200;
  let commands = 0;
  for (let run = 0; run < runs; run++) {
    commands += await compareWithModel(
      new Random(seed + run),
      `SEED=${seed}, run ${run}`,
    );
  }
  say(
    `seed ${seed}: ${runs} runs of states, ${commands} commands, 0 violations`,
  );
});
