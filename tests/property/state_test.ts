import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import type { MiniError } from "@mini/state/store";
import type { StateManager, StateOptions } from "@mini/state/state";
import { MemoryFileSystem, randomSeed } from "@mini/state/testing";
import { type Add, type Counter, openCounter } from "../support/counter.ts";
import { say } from "../support/report.ts";
import { size } from "../support/size.ts";

/** Set SEED to run the same again. */
const seed = Number(Deno.env.get("SEED") ?? randomSeed());

/** A model of the manager: the state after every record, and the mutations with an effect. */
class Model {
  readonly states: Counter[] = [{ value: 0, log: [] }];
  readonly effects: [seq: number, note: string][] = [];
  /** The record from which on the past must be there. */
  start = 0;

  get state(): Counter {
    return this.states.at(-1)!;
  }

  /** Takes in what may be gone from now on. */
  mayForget({ retain }: Options, isCompaction: boolean): void {
    const sequence = this.states.length - 1;
    if (retain === "all" || retain === undefined && !isCompaction) return;
    const records = retain?.records ?? 0;
    this.start = Math.max(this.start, sequence - records);
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

type Manager = StateManager<Counter, Add>;

/** The manager that the commands run on. */
interface Real {
  readonly fs: MemoryFileSystem;
  manager: Manager;
  options: Options;
}

type Command = fc.AsyncCommand<Model, Real>;
type Options = Pick<
  StateOptions<Counter, Add>,
  "keepSnapshots" | "maxSegmentBytes" | "retain" | "snapshotEvery"
>;

function command(
  name: string,
  run: (model: Model, real: Real) => Promise<unknown>,
): Command {
  return {
    check: () => true,
    async run(model, real) {
      await run(model, real);
      assertEquals(real.manager.state, model.state);
      assertEquals(real.manager.sequence, model.states.length - 1);
      model.mayForget(real.options, name === "compact");
    },
    toString: () => name,
  };
}

function applies(mutations: readonly Add[]): Command {
  return command(
    `apply at once ${JSON.stringify(mutations)}`,
    (model, { manager }) => {
      for (const mutation of mutations) model.record(mutation);
      return Promise.all(mutations.map((mutation) => manager.apply(mutation)));
    },
  );
}

function applyBatch(mutations: readonly Add[]): Command {
  return command(
    `applyBatch ${JSON.stringify(mutations)}`,
    (model, { manager }) => {
      model.record(...mutations);
      return manager.applyBatch(mutations);
    },
  );
}

/** Applies at once, the one at `at` throwing. */
function appliesThrowing(mutations: readonly Add[], at: number): Command {
  return command(
    `apply at once, number ${at} throws`,
    async (model, { manager }) => {
      const outcomes = await Promise.all(
        mutations.map((mutation, index) =>
          manager.apply({ ...mutation, fail: index === at }).then(
            () => "applied",
            (error: MiniError) => error.code,
          )
        ),
      );
      for (const [index, mutation] of mutations.entries()) {
        assertEquals(
          outcomes[index],
          index === at ? "ABORTED_MUTATION" : "applied",
        );
        if (index === at) model.record();
        else model.record({ ...mutation, fail: false });
      }
      // That it was aborted is a record as well.
      model.record();
    },
  );
}

function transact(mutation: Add): Command {
  return command(
    `transact ${JSON.stringify(mutation)}`,
    async (model, { manager }) => {
      const { state } = model;
      await manager.transact((found) => {
        assertEquals(found, state);
        return mutation;
      });
      model.record(mutation);
    },
  );
}

function reopen(options: Options, isKilled: boolean): Command {
  const how = isKilled ? "kill" : "close";
  return command(`${how}, open ${JSON.stringify(options)}`, async (_, real) => {
    if (isKilled) real.fs.restart();
    else await real.manager.close();
    real.options = options;
    real.manager = await openCounter("/data", { ...options, fs: real.fs });
  });
}

const adds = fc.record({
  by: fc.integer({ min: -100, max: 100 }),
  note: fc.string({ maxLength: 5 }),
});
const options: fc.Arbitrary<Options> = fc.record({
  keepSnapshots: fc.integer({ min: 1, max: 3 }),
  maxSegmentBytes: fc.integer({ min: 100, max: 3_000 }),
  retain: fc.oneof(
    fc.constant("all" as const),
    fc.record({ records: fc.nat({ max: 20 }) }),
  ),
  snapshotEvery: fc.integer({ min: 1, max: 10 }),
}, { requiredKeys: ["keepSnapshots", "maxSegmentBytes"] });

const commands = fc.commands([
  fc.array(adds, { minLength: 1, maxLength: 5 }).map(applies),
  fc.array(adds, { minLength: 1, maxLength: 3 }).map(applyBatch),
  fc.tuple(fc.array(adds, { minLength: 1, maxLength: 4 }), fc.nat()).map(
    ([mutations, at]) => appliesThrowing(mutations, at % mutations.length),
  ),
  adds.map(transact),
  fc.constant(
    command("snapshot", (_, { manager }) => manager.createSnapshot()),
  ),
  fc.constant(command("compact", (_, { manager }) => manager.compact())),
  fc.tuple(options, fc.boolean()).map(([found, isKilled]) =>
    reopen(found, isKilled)
  ),
], { maxCommands: 40, size: "max" });

/** Checks that what must be left of the past is there, and that what is left is as it was. */
async function checkPast(
  manager: Manager,
  model: Model,
): Promise<void> {
  for (const [seq, state] of model.states.entries()) {
    const found = await manager.at(seq).catch((error: MiniError) => error.code);
    const isGone = found === "COMPACTED" && seq < model.start;
    assertEquals(isGone ? state : found, state, `at ${seq}`);
  }
  assert(manager.firstSequence <= model.start + 1);
  const seen: [number, string][] = [];
  for await (const { seq, mutation } of manager.history()) {
    seen.push([seq, mutation.note!]);
  }
  assertEquals(
    seen,
    seen.length === 0 ? [] : model.effects.slice(-seen.length),
  );
}

Deno.test("StateManager behaves as a plain object does, over random commands, reopening and kills", async () => {
  const runs = size(150, 20_000);
  let count = 0;
  const property = fc.asyncProperty(
    commands,
    options,
    async (generated, first) => {
      const fs = new MemoryFileSystem();
      const model = new Model();
      const real: Real = {
        fs,
        options: first,
        manager: await openCounter("/data", { ...first, fs }),
      };
      await fc.asyncModelRun(() => ({ model, real }), generated);
      count += [...generated].length;
      await checkPast(real.manager, model);
      await real.manager.close();
    },
  );
  await fc.assert(property, { seed, numRuns: runs });
  say(`seed ${seed}: ${runs} runs of states, ${count} commands, 0 violations`);
});
