import process from "node:process";
import type { Contender, Log, Queue } from "./contender.ts";
import type { Result, Task } from "./task.ts";
import { LOG_WORK, QUEUE_WORK } from "./work.ts";

/** Does a task with one of these, and prints the result. */
export async function runTask(
  logs: readonly Contender<Log>[],
  queues: readonly Contender<Queue>[],
  [name, json]: readonly string[],
): Promise<void> {
  const task: Task = JSON.parse(json!);
  setTimeout(() => giveUp(task), MOST_MS);
  const named = <T>(all: readonly Contender<T>[]) => {
    const found = all.find((contender) => contender.name === name)!;
    return () => found.open(task.dir);
  };
  const onLog = LOG_WORK[task.work];
  const onQueue = QUEUE_WORK[task.work];
  print(
    onLog === undefined
      ? await onQueue!(named(queues), task)
      : await onLog(named(logs), task),
  );
}

/** The slowest peer needs a minute to open its largest log. */
const MOST_MS = 150_000;

function giveUp({ work }: Task): never {
  process.stderr.write(`Error: ${work} took more than ${MOST_MS / 1000} s\n`);
  process.exit(1);
}

/** Prints a result, and ends: some libraries leave something running. */
export function print(result: Result): never {
  process.stdout.write(`${JSON.stringify(result)}\n`);
  process.exit(0);
}
