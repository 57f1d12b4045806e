// Run by tests/system/soak_test.ts as a process of its own: works on a state for long, and tells what it uses.
import { StateManager } from "@mini/state/state";
import { tell } from "./kill.ts";

const [dir = "", rounds = ""] = Deno.args;
/** The state is as large at the end as at the start. */
const KEYS = 100;
const APPLIES = 40;

for (let round = 0; round < Number(rounds); round++) {
  const manager = await StateManager.open<
    Record<string, string>,
    { key: string; value: string }
  >(dir, {
    initial: () => ({}),
    apply: (state, { key, value }) => {
      state[key] = value;
    },
    maxSegmentBytes: 2_000,
  });
  const applies = Array.from({ length: APPLIES }, (_, index) =>
    manager.apply({
      key: `k${(round * APPLIES + index) % KEYS}`,
      value: "x".repeat(100),
    }));
  await manager.createSnapshot();
  await Promise.all(applies);
  await manager.compact();
  await manager.at(manager.sequence - 1);
  await manager.close();
  tell(JSON.stringify({
    rssMib: Deno.memoryUsage().rss / 2 ** 20,
    openFiles: openFiles(),
    files: [...Deno.readDirSync(dir)].length,
  }));
}

/** How many files the process has open, where the system says so. */
function openFiles(): number {
  try {
    return [...Deno.readDirSync("/proc/self/fd")].length;
  } catch {
    return 0;
  }
}
