// Run by tests/crash/kill_test.ts as a process of its own, which is killed.
import { MiniStore } from "@mini/state/store";
import { tell } from "./kill.ts";

const CALLERS = 16;

tell("opening");
const store = await MiniStore.open<string>(Deno.args[0]!, {
  maxSegmentBytes: 20_000,
});
const callers = Array.from({ length: CALLERS }, async (_, caller) => {
  for (let turn = 0;; turn++) {
    const data = `${Deno.pid} ${caller} ${turn} ${"x".repeat(turn % 100)}`;
    tell(`${await store.append(data)} ${data}`);
    if (caller === 0 && turn % 50 === 49) {
      await store.compact(Math.max(0, store.sequence - 2_000));
    }
  }
});
await Promise.all(callers);
