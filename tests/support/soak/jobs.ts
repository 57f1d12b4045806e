import { assertEquals } from "@std/assert";
import { MiniQueue, type QueueMessage } from "@mini/state/queue";
import { MiniError } from "@mini/state/store";
import type { Life } from "./life.ts";

/** A job, or what the schedule enqueues. */
export type Job = { readonly n: number } | "scheduled";

const CONSUMERS = 3;
/** As many jobs wait at most. */
const MAX_WAITING = 60;
const MINUTE_MS = 60_000;

/** Opens the queue, which keeps a limited number of what has ended. */
export function openJobs(dir: string): Promise<MiniQueue<Job, number>> {
  return MiniQueue.open<Job, number>(dir, {
    maxAttempts: 100,
    backoff: () => 5,
    keepFinished: { count: 200 },
    keepDead: { count: 50 },
    dedupeWindowMs: 10_000,
    maxSegmentBytes: 50_000,
    schedules: { often: { everyMs: 300, payload: "scheduled" } },
  });
}

/** Enqueues jobs, delivers them, ends them in each way there is, and asks how they ended. */
export class Jobs {
  readonly #queue: MiniQueue<Job, number>;
  readonly #life: Life;

  constructor(queue: MiniQueue<Job, number>, life: Life) {
    this.#queue = queue;
    this.#life = life;
  }

  async work(): Promise<void> {
    const waiting = await this.#queue.peek(1_000);
    const ids = waiting.filter(({ payload }) => payload !== "scheduled")
      .map(({ id }) => id);
    this.#life.tell("waiting", ids);
    const consumers = Array.from({ length: CONSUMERS }, () => this.#consume());
    await Promise.all([this.#produce(), ...consumers]);
  }

  async #produce(): Promise<void> {
    const asked = new Set<Promise<void>>();
    await this.#life.pace(async (n) => {
      const { ready, blocked, delayed } = await this.#queue.stats();
      if (ready + blocked + delayed > MAX_WAITING) return;
      const id = await this.#enqueue(n);
      if (n % 10 !== 5) return;
      const asking = this.#ask(id, n).finally(() => asked.delete(asking));
      asked.add(asking);
    });
    await Promise.all(asked);
  }

  async #enqueue(n: number): Promise<number> {
    const kind = n % 10;
    const isSpoiled = kind === 0;
    const dedupeKey = `job ${n} of ${Deno.pid}`;
    const { id } = await this.#queue.enqueue({ n }, {
      delayMs: isSpoiled ? MINUTE_MS : kind === 1 ? 40 : 0,
      priority: kind === 2 ? 1 : 0,
      ...(kind === 3 && { dedupeKey }),
      ...(kind > 5 && { group: `g${kind % 2}` }),
    });
    this.#life.tell("enqueued", id);
    if (isSpoiled) {
      await this.#end(id, 0, async () => {
        assertEquals(await this.#queue.cancel(id), "cancelled");
      });
    }
    if (kind === 3) {
      const again = await this.#queue.enqueue({ n }, { dedupeKey });
      assertEquals(again, { id, deduplicated: true });
    }
    return id;
  }

  /** Waits for the result of a job, which is its number. */
  async #ask(id: number, n: number): Promise<void> {
    const { ended } = this.#life;
    try {
      const outcome = await this.#queue.outcome(id, { signal: ended });
      if (outcome?.state === "done") assertEquals(outcome.result, n);
    } catch (error) {
      if (!ended.aborted) throw error;
    }
  }

  async #consume(): Promise<void> {
    const { ended } = this.#life;
    while (!ended.aborted) {
      const message = await this.#queue.receive({
        waitMs: MINUTE_MS,
        signal: ended,
      }).catch((error) => {
        if (ended.aborted) return;
        throw error;
      });
      if (message !== undefined) await this.#handle(message);
    }
  }

  async #handle(message: QueueMessage<Job, number>): Promise<void> {
    const { id, payload, attempts, group } = message;
    if (payload === "scheduled") return await message.ack();
    const { n } = payload;
    if (n % 7 === 0 && attempts === 1) {
      return await message.nack({ reason: "once more" });
    }
    const place = group === undefined ? 0 : group;
    if (n % 29 === 0) {
      return await this.#end(id, place, () => message.deadLetter("bad"));
    }
    if (n % 23 === 0) {
      return await this.#end(id, place, async () => {
        assertEquals(await this.#queue.cancel(id), "cancelled");
        await assertExpired(message.ack(n));
      });
    }
    await this.#end(id, place, () => message.ack(n));
  }

  /** Ends a job; the parent learns that it is about to end, and that it has ended. */
  async #end(
    id: number,
    group: string | 0,
    end: () => Promise<void>,
  ): Promise<void> {
    this.#life.tell("ending", id);
    await end();
    this.#life.tell("ended", id, group);
  }
}

async function assertExpired(ack: Promise<void>): Promise<void> {
  try {
    await ack;
  } catch (error) {
    if (error instanceof MiniError && error.code === "RECEIPT_EXPIRED") return;
    throw error;
  }
  throw new Error("a job that was cancelled could be acknowledged");
}
