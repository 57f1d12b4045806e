// Run by tests/crash/kill_test.ts as a process of its own, which is killed.
import { StateManager } from "@mini/state/state";
import { tell } from "./kill.ts";
import { TURNS, UNCHANGED_TURNS } from "./turns.ts";

const CALLERS = 16;

tell("opening");
// By code that changes the state, and by code that gives the next one.
const options = Deno.pid % 2 === 0 ? TURNS : UNCHANGED_TURNS;
const manager = await StateManager.open(Deno.args[0]!, options);
const callers = Array.from({ length: CALLERS }, async (_, index) => {
  const caller = String(index);
  for (let turn = (manager.state.last[caller] ?? 0) + 1;; turn++) {
    await manager.apply({ caller, turn });
    tell(`${caller} ${turn}`);
  }
});
await Promise.all(callers);
