import { tracingChannel } from "node:diagnostics_channel";
import type { EnqueueMessage } from "@mini/state/queue";
import type { Listener } from "./listener.ts";

/** The tracing channels on which a queue tells what it does, without `mini-state:`. */
export const TRACED: readonly string[] = [
  "open",
  "enqueue",
  "receive",
  "process",
  "settle",
];

/** The other channels of a queue. */
export const POINTS: readonly string[] = ["dead-letter", "lease-expired"];

/** The messages of an event, without what tells which queue it is. */
export function told(
  listener: Listener,
  name: string,
): Record<string, unknown>[] {
  return listener.of(name).map((message) => {
    const { path: _, logId: __, ...rest } = message;
    return rest;
  });
}

/** The headers and ids that an event of enqueuing has told. */
export function sent(listener: Listener, name = "enqueue asyncEnd"): unknown[] {
  return listener.of(name).map((message) => {
    const { by, messages } = message as unknown as EnqueueMessage;
    return [by, messages.map(({ id, headers }) => [id, headers])];
  });
}

/** Subscribes to the start of a tracing channel while a task runs. */
export async function onStart<M>(
  name: string,
  subscriber: (message: M) => void,
  task: () => Promise<void>,
): Promise<void> {
  const { start } = tracingChannel(`mini-state:${name}`);
  const handler = (message: unknown) => subscriber(message as M);
  start.subscribe(handler);
  try {
    await task();
  } finally {
    start.unsubscribe(handler);
  }
}
