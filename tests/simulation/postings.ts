import { MiniQueue } from "@mini/state/queue";
import type { FileSystem } from "@mini/state/store";
import type { Consumers } from "./consumers.ts";
import type { History } from "../support/history.ts";
import { DIR } from "./process.ts";
import { uncounted } from "./recount/watch.ts";
import { attempt, type World } from "./world.ts";

/** Messages of one producer are in its order. */
const GROUP = "posted";

/** A message that somebody has posted. */
interface Posted {
  /** The process in which it was posted, in the order of those. */
  readonly life: number;
  /** Whether its producer was told that it is durable. */
  isTold: boolean;
  /** Whether no process had the queue open. */
  readonly isBetween: boolean;
  id?: number;
}

/** Messages that are posted to the inbox of a queue: each is in the ledger once, whatever crashes. */
export class Postings {
  readonly #world: World;
  readonly #history: History;
  readonly #consumers: Pick<Consumers<unknown>, "newName">;
  readonly #posted = new Map<string, Posted>();
  #life = 0;
  /** Whether the power was cut before this life began. */
  #isPowerCut = false;

  constructor(
    world: World,
    history: History,
    consumers: Pick<Consumers<unknown>, "newName">,
  ) {
    this.#world = world;
    this.#history = history;
    this.#consumers = consumers;
  }

  /** Posts some messages while no process has the queue open, now and then. */
  async rest(): Promise<void> {
    const { random, process: { fs } } = this.#world;
    if (this.#life === 0 || fs.names(`${DIR}/inbox`).length > 20) return;
    if (random.oneIn(3)) await this.post(true);
  }

  /** A process has opened the queue. */
  start(isPowerCut: boolean): void {
    this.#life++;
    this.#isPowerCut = isPowerCut;
    const { answers } = this.#world.process.recount;
    for (const { id } of this.#posted.values()) {
      if (id === undefined) answers.posted++;
    }
  }

  /** Posts messages as one file, on the disk of the process, which may fail. */
  async post(isBetween = false): Promise<void> {
    const { random, process: { fs, recount: { answers } } } = this.#world;
    // The files of before may be put back.
    if (this.#world.isInvaded) return;
    const names = Array.from(
      { length: 1 + random.below(2) },
      () => this.#consumers.newName(),
    );
    for (const name of names) {
      this.#history.invokeEnqueue(name, GROUP);
      const posted = { life: this.#life, isTold: false, isBetween };
      this.#posted.set(name, posted);
    }
    answers.posted += names.length;
    const outcome = await attempt(
      this.#world,
      `post ${names}`,
      () => uncounted(() => this.#post(fs, names)),
    );
    const code = outcome.error?.code;
    if (this.#world.process.isDead && code !== undefined) return;
    const isRefused = code === "NO_SPACE" || code === "PERMISSION";
    for (const name of names) {
      if (isRefused) this.#history.enqueued(name, "failed");
      if (code !== undefined) continue;
      this.#history.enqueued(name, "ok");
      this.#posted.get(name)!.isTold = true;
    }
  }

  #post(fs: FileSystem, names: readonly string[]): Promise<void> {
    const messages = names.map((payload) => ({ payload, group: GROUP }));
    return MiniQueue.postBatch(DIR, messages, { fs });
  }

  /** Takes note of messages that are in the ledger. */
  saw(
    messages: readonly { readonly id: number; readonly payload: string }[],
  ): void {
    const { trace, coverage } = this.#world;
    for (const { id, payload } of messages) {
      const posted = this.#posted.get(payload);
      if (posted === undefined) continue;
      if (posted.id !== undefined && posted.id !== id) {
        trace.violation(`${payload} is message ${posted.id} and ${id}`);
      }
      const isNew = posted.id === undefined;
      posted.id = id;
      if (!isNew || !posted.isTold) continue;
      if (posted.isBetween) {
        coverage.hit("inbox: posted while no process ran, taken in");
      } else if (this.#isPowerCut && posted.life === this.#life - 1) {
        coverage.hit("inbox: what was posted outlives a power cut");
      }
    }
  }
}
