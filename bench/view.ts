/** A view of a large state, in a process of its own, beside its writer. */
import { StateManager, StateView } from "@mini/state/state";
import { type Item, KEYS, record, records } from "./record.ts";
import { type Cost, Meter, type Result, type Task } from "./task.ts";

/** The number of writes a second. */
const RATE = 10_000;

type Components = Record<string, unknown>;

/** A record, and when it was written. */
interface Timed extends Item {
  readonly at?: number;
}

const OPTIONS = {
  initial: (): Components => ({}),
  apply: (components: Components, { key, value }: Timed): void => {
    components[key] = value;
  },
};

/** The last record, which ends the view. */
const END = "end";

/** Milliseconds on the clock that all processes share. */
function now(): number {
  return performance.timeOrigin + performance.now();
}

/** Writes without a view, then beside one: its lag, and what it costs the writer. */
export async function view({ dir, seconds }: Task): Promise<Result> {
  await using manager = await StateManager.open(dir, OPTIONS);
  const items = records(0, KEYS);
  await Promise.all(items.map((item) => manager.apply(item)));
  await manager.compact();
  await write(manager, 0.2);
  const { cpuUs: alone } = await write(manager, seconds);
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--quiet", new URL(import.meta.url).pathname, dir],
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  const lines = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  // It says that it follows.
  await lines.read();
  const cost = await write(manager, seconds);
  await manager.apply({ key: END, value: 0, at: now() });
  const { value } = await lines.read();
  await child.status;
  const costPercent = 100 * (cost.cpuUs / alone - 1);
  return { ...cost, ...JSON.parse(value!), costPercent };
}

/** Writes at the rate, as far as the disk lets it. */
async function write(
  manager: StateManager<Components, Timed>,
  seconds: number,
): Promise<Cost> {
  const meter = new Meter();
  let written = 0;
  while (meter.ms < seconds * 1000) {
    const due = Math.floor(meter.ms * RATE / 1000);
    const at = now();
    const applied: Promise<number>[] = [];
    while (written < due) {
      applied.push(manager.apply({ ...record(written++), at }));
    }
    await Promise.all(applied);
    if (applied.length > 0) continue;
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  return meter.cost(written);
}

/** The view. Prints a line when it follows, and how late it was when it is told to end. */
async function follow(dir: string): Promise<void> {
  const lags: number[] = [];
  await using view = await StateView.open(dir, {
    ...OPTIONS,
    apply: (components: Components, item: Timed) => {
      if (item.at !== undefined) lags.push(now() - item.at);
      OPTIONS.apply(components, item);
    },
  });
  const before = lags.length;
  // deno-lint-ignore no-console -- the writer waits for it
  console.log("follows");
  while (!(END in view.state)) await view.changed;
  const late = lags.slice(before).sort((a, b) => a - b);
  const [p50, p99] = [0.5, 0.99].map((share) =>
    late[Math.floor(share * late.length)]
  );
  // deno-lint-ignore no-console -- the writer reads it
  console.log(JSON.stringify({ p50, p99 }));
}

if (import.meta.main) await follow(Deno.args[0]!);
