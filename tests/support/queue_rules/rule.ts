// A rule of every queue, and how it is checked.
import { assertEquals, assertRejects } from "@std/assert";
import {
  MiniError,
  type Queue,
  type ReceivedMessage,
  type Schema,
} from "@mini/state/queue";

/** The options that every queue has. */
export interface RuleOptions {
  readonly visibilityTimeoutMs?: number;
  readonly maxAttempts?: number;
  readonly backoff?: (attempts: number) => number;
  readonly schema?: Schema<string>;
}

/** Opens a queue that holds nothing. */
export type OpenQueue = (options?: RuleOptions) => Promise<Queue<string>>;

/** A rule, and its test. */
export interface QueueRule {
  readonly name: string;
  readonly check: (open: OpenQueue) => Promise<void>;
}

/** Long enough for a message that is there, on a slow machine. */
export const SOON: { waitMs: number } = { waitMs: 10_000 };

export async function rejectsWith(
  code: string,
  task: () => Promise<unknown>,
): Promise<void> {
  const error = await assertRejects(task, MiniError);
  assertEquals(error.code, code);
}

export async function next(
  queue: Queue<string>,
): Promise<ReceivedMessage<string>> {
  const message = await queue.receive(SOON);
  if (message === undefined) throw new Error("no message came");
  return message;
}

export async function drain(queue: Queue<string>): Promise<string[]> {
  const seen: string[] = [];
  await queue.work(({ payload }) => seen.push(payload), { until: "empty" });
  return seen;
}

export const many: (...payloads: string[]) => { payload: string }[] = (
  ...payloads: string[]
) => payloads.map((payload) => ({ payload }));
