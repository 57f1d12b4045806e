import process from "node:process";
import type { Contender, Log, Queue } from "./contender.ts";
import { LOG_WORK, QUEUE_WORK, type Result, type Task } from "./work.ts";

/** Does a task with one of these, and prints the result. */
export async function runTask(
  logs: readonly Contender<Log>[],
  queues: readonly Contender<Queue>[],
  [name, json]: readonly string[],
): Promise<void> {
  const task: Task = JSON.parse(json!);
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

/** Prints a result, and ends: some libraries leave something running. */
export function print(result: Result): never {
  process.stdout.write(`${JSON.stringify(result)}\n`);
  process.exit(0);
}
