import { assert, assertEquals } from "@std/assert";
import { StateManager, StateView } from "@mini/state/state";
import {
  explore,
  MemoryFileSystem,
  randomSeed,
  type Workload,
} from "@mini/state/testing";
import { DyingFileSystem } from "../support/dying.ts";
import { report, say } from "../support/report.ts";
import { sampled, size } from "../support/size.ts";
import { OPTIONS, STATE_WORKLOADS } from "../support/state_workloads.ts";

/** Those whose state is made by one code alone. */
const WORKLOADS = STATE_WORKLOADS.filter(({ name }) =>
  !/older code|an abort|standby/.test(name)
);

const { initial, apply } = OPTIONS;

/** Opens what is on a disk, as the next process does. */
async function opened(fs: MemoryFileSystem): Promise<unknown[]> {
  const copy = new MemoryFileSystem(fs.snapshot());
  return shownBy(await StateManager.open("/data", { ...OPTIONS, fs: copy }));
}

/** Promotes a view, which must be what opening gives. */
async function promoted(
  view: StateView<string[], string>,
  fs: MemoryFileSystem,
): Promise<StateManager<string[], string>> {
  const expected = await opened(fs);
  const manager = await view.promote();
  assertEquals(shownBy(manager), expected);
  return manager;
}

function shownBy(
  { state, sequence, recovery }: StateManager<string[], string>,
): unknown[] {
  const { outcome, undecided, logEndedAt } = recovery;
  return [state, sequence, outcome, undecided, logEndedAt];
}

function openView(fs: MemoryFileSystem): Promise<StateView<string[], string>> {
  return StateView.open("/data", { initial, apply, fs, ifMissing: "empty" });
}

const EXPLORED = size(
  ["applies that throw"],
  WORKLOADS.map(({ name }) => name),
);

for (
  const workload of WORKLOADS.filter(({ name }) => EXPLORED.includes(name))
) {
  Deno.test(`StateView.promote() gives what opening gives, after a power cut at every call, in every way: ${workload.name}`, async () => {
    const views: Workload<string> = {
      ...workload,
      async recover(fs) {
        const disk = fs as MemoryFileSystem;
        return (await promoted(await openView(disk), disk)).snapshot();
      },
    };
    const found = await explore(views, {
      crashRecoveryOneIn: 200,
      samples: 1,
      ...sampled(100),
    });
    report(`promotions after power cuts of ${workload.name}`, [found]);
    assertEquals(found.violations.slice(0, 3), []);
    assert(found.states > 20, `${found.states} states`);
  });
}

for (const workload of WORKLOADS) {
  Deno.test(`StateView beside a writer that is killed at every call is promoted to what opening gives: ${workload.name}`, async () => {
    const seed = Number(Deno.env.get("SEED") ?? randomSeed());
    const every = size(7, 1);
    let kills = 0;
    for (let at = 1 + Math.abs(seed % every);; at += every) {
      const fs = new MemoryFileSystem();
      const dying = new DyingFileSystem(fs, at);
      const view = await openView(fs);
      const issued: string[][] = [];
      const acknowledged: string[] = [];
      const run = workload.run(dying.fs as MemoryFileSystem, {
        issue: (...items) => issued.push(items) - 1,
        ack: (unit) => acknowledged.push(...issued[unit]!),
        refuse: () => {},
      });
      const isKilled = await Promise.race([
        dying.killed.then(() => true),
        run.then(() => false),
      ]);
      fs.restart();
      await using manager = await promoted(view, fs);
      const { state } = manager;
      assert(acknowledged.every((item) => state.includes(item)), `call ${at}`);
      if (!isKilled) break;
      kills++;
    }
    say(`seed ${seed}: ${kills} kills beside a view of ${workload.name}`);
  });
}
