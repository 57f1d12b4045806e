// Run by tests/crash/consumer_kill_test.ts as a process of its own, which is killed: the writer.
import { MiniStore } from "@mini/state/store";
import { tell } from "./kill.ts";

const CALLERS = 8;

tell("opening");
const store = await MiniStore.open<string>(Deno.args[0]!, {
  maxSegmentBytes: 5_000,
});
const callers = Array.from({ length: CALLERS }, async (_, caller) => {
  for (let turn = 0;; turn++) {
    const data = `${Deno.pid} ${caller} ${turn}`;
    // Some that a crash may take back, which no consumer may see before.
    const durable = (caller + turn) % 3 !== 0;
    tell(`${await store.append(data, { durable })} ${data}`);
    if (caller === 0 && turn % 10 === 9) await store.compact(store.sequence);
  }
});
await Promise.all(callers);
