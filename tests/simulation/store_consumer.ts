import type { Consumer, LogRecord, MiniStore } from "@mini/state/store";
import { quiet } from "./steady.ts";
import { told } from "./trace.ts";
import { attempt, type World } from "./world.ts";

const NAME = "reader";

/** A consumer of a log, in the process that writes it: what it has committed stays so. */
export class StoreConsumer {
  readonly #world: World;
  #store!: MiniStore<string>;
  #consumer: Consumer<string> | undefined;
  #stop = new AbortController();
  #isOpening = false;
  /** Whether its first position is not known yet. */
  #isNew = true;
  /** Whether it may have been left with a first position that compaction has overtaken: making it did not succeed. */
  #isHalfMade = false;
  /** The last record that it was given. */
  #given = 0;
  /** The last commit that was acknowledged, and the last that was called. */
  #committed = 0;
  #called = 0;

  constructor(world: World) {
    this.#world = world;
  }

  /** Begins with the process that has opened a log. */
  begin(store: MiniStore<string>): void {
    this.#store = store;
    this.#consumer = undefined;
    this.#stop = new AbortController();
    this.#isOpening = false;
  }

  /** @param compare Called with what it was given, once it ends. */
  async step(compare: (given: LogRecord<string>[]) => void): Promise<void> {
    const { isInvaded, isClosing } = this.#world;
    // The files of before may be put back.
    if (isInvaded || isClosing) return;
    if (this.#consumer !== undefined) await this.#commit(this.#consumer);
    else if (!this.#isOpening) await this.#open(compare);
  }

  async #open(compare: (given: LogRecord<string>[]) => void): Promise<void> {
    const { process, trace, coverage } = this.#world;
    this.#isOpening = true;
    const open = () => this.#store.consumer(NAME);
    const outcome = await attempt(this.#world, "open a consumer", open);
    if (this.#isNew && (process.isDead || outcome.error !== undefined)) {
      this.#isHalfMade = true;
    }
    if (process.isDead) return;
    this.#isOpening = false;
    if (outcome.error !== undefined) return;
    const consumer = outcome.value;
    const { position } = consumer;
    const isOne = this.#committed <= position && position <= this.#called;
    if (!this.#isNew && !isOne) {
      trace.violation(
        `a consumer is at ${position}, and has committed ${this.#committed}`,
      );
    }
    if (this.#committed > 0) {
      coverage.hit("consumer: what it has committed outlives its process");
    }
    this.#isNew = false;
    this.#given = this.#committed = this.#called = position;
    this.#consumer = consumer;
    const given: LogRecord<string>[] = [];
    const { signal } = this.#stop;
    const follow = async () => {
      for await (const record of consumer.follow({ signal })) {
        given.push(record);
        this.#given = record.seq;
      }
    };
    const allowed = this.#isHalfMade ? ["ABORTED", "COMPACTED"] : ["ABORTED"];
    attempt(this.#world, "consume", follow, allowed).then(() => {
      if (process.isDead) return;
      compare(given);
      const { seq } = given[0] ?? { seq: position + 1 };
      if (seq === position + 1) return;
      trace.violation(`a consumer at ${position} is given ${seq}`);
    });
  }

  async #commit(consumer: Consumer<string>): Promise<void> {
    const { random, process } = this.#world;
    if (this.#given <= this.#called) return;
    const seq = this.#given - random.below(this.#given - this.#called);
    this.#called = seq;
    const commit = () => consumer.commit(seq);
    const outcome = await attempt(this.#world, `commit ${seq}`, commit);
    if (outcome.error !== undefined || process.isDead) return;
    this.#committed = Math.max(this.#committed, seq);
  }

  async close(): Promise<void> {
    this.#stop.abort(Object.assign(new Error("over"), { code: "ABORTED" }));
    await this.#consumer?.close();
  }

  /** Checks that it continues with no record in place of one that it has committed, in a copy that has lost that. */
  async look(copy: MiniStore<string>): Promise<void> {
    const { trace, coverage } = this.#world;
    if (copy.sequence >= this.#committed) return;
    await using consumer = await copy.consumer(NAME);
    const stop = new AbortController();
    const following = consumer.follow({ signal: stop.signal });
    const outcome = Array.fromAsync(following).catch((error) => error);
    await quiet();
    stop.abort("it waits for more");
    const found = await outcome;
    if (found.code === "REWRITTEN") {
      coverage.hit("consumer: what it has committed is gone");
    } else trace.violation(`a consumer misses nothing: ${told(found)}`);
  }
}
