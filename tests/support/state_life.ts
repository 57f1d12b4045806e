// Opens the state in a directory, has it do all that makes files, and says how that went.
import { type MiniError, StateManager } from "@mini/state";
import { say } from "./report.ts";

try {
  const state = await StateManager.open(Deno.args[0]!, {
    initial: () => 0,
    apply: (state, by: number) => state + by,
    maxSegmentBytes: 300,
  });
  for (let by = 0; by < 10; by++) await state.apply(by);
  await state.createSnapshot();
  await state.close();
  say(state.recovery.outcome);
} catch (error) {
  const { code, message } = error as MiniError;
  say(`${code} ${message}`);
}
