import type {
  HandlerContext,
  MiniQueue,
  QueueMessage,
} from "@mini/state/queue";
import type { Consumers } from "./consumers.ts";
import { nameOf } from "./occurrences.ts";
import { attempt, type World } from "./world.ts";

/** For how long a worker waits for a message. */
const PATIENCE_MS = 400;

/** A progress that a handler has told. */
interface Report {
  readonly receipt: number;
  readonly progress: number;
  /** As its handler was told. */
  standing: "unknown" | "durable" | "refused";
}

/** Handlers that tell durably how far they are, and what is on record of that. */
export class Handlers<M> {
  readonly #world: World;
  readonly #consumers: Consumers<M>;
  /** Of each message, in the order of the deliveries. */
  readonly #reports = new Map<number, Report[]>();
  #count = 0;

  constructor(world: World, consumers: Consumers<M>) {
    this.#world = world;
    this.#consumers = consumers;
    consumers.onDelivered = (message) => {
      this.#check(message, message.receipt, message.progress);
    };
  }

  /** Handles one message, if there is one. */
  async work(): Promise<void> {
    const { clock } = this.#world.process;
    const { queue } = this.#consumers;
    const stop = new AbortController();
    void clock.sleep(PATIENCE_MS, stop.signal).then(() => stop.abort());
    const began = clock.monotonic();
    await attempt(
      this.#world,
      "work",
      () =>
        queue.work((message, { progress }) => {
          stop.abort();
          return this.#handle(message, progress, began);
        }, { signal: stop.signal }),
    );
    stop.abort();
  }

  async #handle(
    message: QueueMessage<string, unknown, M>,
    tell: HandlerContext["progress"],
    began: number,
  ): Promise<void> {
    await this.#consumers.arrive([message], began);
    if (!this.#consumers.takeOut(message)) return;
    const { random } = this.#world;
    for (let times = 1 + random.below(2); times > 0; times--) {
      await this.#report(message, tell);
    }
    // Then the worker tries to acknowledge it.
    const isSettled = await this.#consumers.settle(message);
    if (!isSettled) this.#consumers.leave(message);
  }

  async #report(
    message: QueueMessage<string, unknown, M>,
    tell: HandlerContext["progress"],
  ): Promise<void> {
    const { id, receipt } = message;
    const progress = ++this.#count;
    const report: Report = { receipt, progress, standing: "unknown" };
    const all = this.#reports.get(id) ?? [];
    // One of an earlier delivery may still be told.
    const later = all.findIndex((other) => other.receipt > receipt);
    all.splice(later < 0 ? all.length : later, 0, report);
    this.#reports.set(id, all);
    const { process } = this.#world;
    const outcome = await attempt(
      this.#world,
      `tell ${progress} of ${nameOf(message)}`,
      () => tell(progress, { durable: true }),
      ["RECEIPT_EXPIRED"],
    );
    if (outcome.error === undefined) report.standing = "durable";
    else if (!process.isDead && REFUSED.includes(outcome.error.code)) {
      report.standing = "refused";
    }
  }

  /** Looks, in a queue that was opened, how far messages are that nobody has. */
  async start(
    queue: Pick<MiniQueue<string>, "get">,
    isPowerCut: boolean,
  ): Promise<void> {
    for (const id of this.#reports.keys()) {
      const found = await queue.get(id);
      if (found === undefined || !WAITS.includes(found.state)) continue;
      this.#check(found, Infinity, found.progress);
      const isKept = isPowerCut && found.progress !== undefined;
      if (isKept) {
        this.#world.coverage.hit("job: durable progress outlives a power cut");
      }
    }
  }

  /** Whether a progress may be the last one before a delivery. */
  #check(
    { id }: { readonly id: number },
    receipt: number,
    found: unknown,
  ): void {
    const all = (this.#reports.get(id) ?? [])
      .filter((report) => report.receipt < receipt);
    const last = all.findLastIndex(({ standing }) => standing === "durable");
    const possible: unknown[] = all.slice(Math.max(0, last))
      .filter(({ standing }) => standing !== "refused")
      .map(({ progress }) => progress);
    if (last < 0) possible.push(undefined);
    if (possible.includes(found)) return;
    const what = `message ${id} is at ${found}, and was told to be at`;
    this.#world.trace.violation(`${what} ${possible}`);
  }
}

/** The states of a message that nobody has. */
const WAITS = ["ready", "blocked", "delayed"];

/** The codes of refusals that change nothing. */
const REFUSED = ["RECEIPT_EXPIRED", "NO_SPACE", "CLOSED"];
