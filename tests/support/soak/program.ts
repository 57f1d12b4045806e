// Run by tests/system/soak_test.ts as a process of its own, which may be killed: a program that has all of it.
import { StateManager } from "@mini/state/state";
import { MiniStore } from "@mini/state/store";
import { inspect } from "./inspectors.ts";
import { Jobs, openJobs } from "./jobs.ts";
import { Life } from "./life.ts";
import { placesIn, type Turn, TURNS } from "./turns.ts";
import { writeLog, writeState } from "./writers.ts";

const [dir = "", everyMs = ""] = Deno.args;
const life = new Life();
const { log, state, queue } = placesIn(dir);
await using store = await MiniStore.open<Turn>(log, {
  maxSegmentBytes: 50_000,
});
await using manager = await StateManager.open(state, TURNS);
await using jobs = await openJobs(queue);
life.tell("open");
const work = [
  writeLog(store, life),
  writeState(manager, life),
  new Jobs(jobs, life).work(),
  inspect([store, manager, jobs], life),
  life.tellUse(Number(everyMs)),
];
// The end of its input is the wish that it ends.
for await (const _ of Deno.stdin.readable);
life.end();
await Promise.all(work);
life.tell("ends", store.sequence, manager.sequence, jobs.sequence);
