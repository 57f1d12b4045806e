// Run by tests/crash/kill_test.ts as a process of its own, which is killed.
import { MiniStore } from "@mini/state/store";
import { tell } from "./kill.ts";

const CALLERS = 16;

tell("opening");
const store = await MiniStore.open<string>(Deno.args[0]!, {
  maxSegmentBytes: 20_000,
});
const compact = () => store.compact(Math.max(0, store.sequence - 2_000));
const dataOf = (caller: number, turn: number) =>
  `${Deno.pid} ${caller} ${turn} ${"x".repeat(turn % 100)}`;
if (Deno.pid % 2 === 0) await appendTogether();
else await appendSynchronously();

async function appendTogether(): Promise<void> {
  const callers = Array.from({ length: CALLERS }, async (_, caller) => {
    for (let turn = 0;; turn++) {
      const data = dataOf(caller, turn);
      tell(`${await store.append(data)} ${data}`);
      if (caller === 0 && turn % 50 === 49) await compact();
    }
  });
  await Promise.all(callers);
}

/** Each append takes along one that waits. */
async function appendSynchronously(): Promise<void> {
  for (let turn = 0;; turn++) {
    const [waits, data] = [dataOf(0, turn), dataOf(1, turn)];
    const waiting = store.append(waits);
    tell(`${store.appendSync(data)} ${data}`);
    tell(`${await waiting} ${waits}`);
    if (turn % 400 === 399) await compact();
  }
}
