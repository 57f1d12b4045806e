import { type FileSystem, MiniStore } from "@mini/state/store";
import { PATH } from "./process.ts";
import type { Facts } from "./recount/facts.ts";
import { StoreConsumer } from "./store_consumer.ts";
import { isSame } from "./units.ts";
import { attempt, pick, type Program, stands, type World } from "./world.ts";

/** A log that is used by itself. */
export class StoreProgram implements Program {
  readonly name = "store";
  readonly #world: World;
  readonly #maxSegmentBytes: number;
  readonly #consumer: StoreConsumer | undefined;
  #store!: MiniStore<string>;
  #names = 0;
  /** Followers of this life. */
  #readers = new AbortController();

  constructor(world: World) {
    this.#world = world;
    this.#maxSegmentBytes = pick(world.random, [300, 2_000, 100_000]);
    // Compaction waits for it.
    if (world.random.oneIn(2)) this.#consumer = new StoreConsumer(world);
  }

  async open(): Promise<void> {
    this.#store = await this.#openAt(this.#world.process.fs);
    this.#readers = new AbortController();
    this.#consumer?.begin(this.#store);
  }

  #openAt(fs: FileSystem): Promise<MiniStore<string>> {
    const maxSegmentBytes = this.#maxSegmentBytes;
    return MiniStore.open<string>(PATH, { fs, maxSegmentBytes });
  }

  async check(isPowerCut: boolean): Promise<void> {
    const { units, trace } = this.#world;
    const found = this.#whole(await this.#all(this.#store));
    const wrong = units.recovered(found, isPowerCut);
    if (wrong !== undefined) trace.violation(wrong);
  }

  async read(fs: FileSystem): Promise<string[]> {
    const store = await this.#openAt(fs);
    const found = await this.#all(store);
    await this.#consumer?.look(store);
    return [...this.#head(store), ...found];
  }

  async #all(store: MiniStore<string>): Promise<string[]> {
    return await Array.fromAsync(store.replay(), ({ data }) => data);
  }

  /** The records with those that compaction has removed put back, to compare. */
  #whole(found: readonly string[]): string[] {
    return [...this.#head(this.#store), ...found];
  }

  #head({ firstSequence }: MiniStore<string>): string[] {
    return this.#world.units.items.slice(0, firstSequence - 1);
  }

  step(): Promise<void> {
    return pick<() => Promise<void>>(this.#world.random, [
      () => this.#append(true),
      () => this.#append(true),
      () => this.#append(true),
      () => this.#append(false),
      () => this.#appendBatch(),
      () => this.#appendBatch(),
      () => this.#appendSync(),
      () => this.#rotate(),
      () => this.#compact(),
      () => this.#sync(),
      () => this.#replay(),
      () => this.#readBeside(),
      () => this.#follow(),
      () => this.#openAgain(),
      () => this.#consume(),
      () => this.#consume(),
      () => this.#consume(),
      () => this.#consume(),
      () => this.#consume(),
    ])();
  }

  #item(): string {
    const { random } = this.#world;
    const size = random.oneIn(4) ? 1_500 : 20;
    return `r${++this.#names}${"x".repeat(random.below(size))}`;
  }

  async #append(durable: boolean): Promise<void> {
    const item = this.#item();
    const what = `append ${item.slice(0, 5)}${durable ? "" : " lazily"}`;
    await this.#write(
      what,
      [item],
      durable,
      () => this.#store.append(item, { durable }),
    );
  }

  async #appendBatch(): Promise<void> {
    const count = 2 + this.#world.random.below(3);
    const items = Array.from({ length: count }, () => this.#item());
    await this.#write(
      `append ${count} as one`,
      items,
      true,
      () => this.#store.appendBatch(items),
    );
  }

  /** Before it returns, with the appends that wait; unless something else is under way. */
  async #appendSync(): Promise<void> {
    const { coverage } = this.#world;
    const item = this.#item();
    const before = this.#store.sequence;
    await this.#write(
      `append ${item.slice(0, 5)} synchronously`,
      [item],
      true,
      () => {
        const seq = this.#store.appendSync(item);
        if (seq > before + 1) {
          coverage.hit("appendSync: with the appends that wait");
        }
        return seq;
      },
    );
  }

  async #write(
    what: string,
    items: string[],
    durable: boolean,
    write: () => Promise<number> | number,
  ): Promise<void> {
    const world = this.#world;
    const unit = world.units.issue(...items);
    const outcome = await attempt(world, what, write, ["BUSY"]);
    unit.standing = stands(world, outcome, durable);
    const { answers } = world.process.recount;
    if (outcome.error !== undefined) {
      const { error } = outcome;
      if (error.code !== "CLOSED") answers.refused.push(error);
      return;
    }
    unit.seq = outcome.value;
    const count = items.length;
    answers.written.push({ seq: unit.seq, count, isDurable: durable });
    const { rotationFailure } = this.#store;
    if (rotationFailure === undefined) return;
    world.coverage.hit(
      "rotation fails: the append that set it off has succeeded",
    );
  }

  async #rotate(): Promise<void> {
    await attempt(this.#world, "rotate", () => this.#store.rotate());
  }

  async #compact(): Promise<void> {
    const upTo = this.#world.random.below(this.#store.sequence + 1);
    const outcome = await attempt(
      this.#world,
      `compact up to ${upTo}`,
      () => this.#store.compact(upTo),
    );
    if (outcome.error !== undefined) return;
    this.#world.process.recount.answers.compacted.push(outcome.value);
    const { firstSequence } = this.#store;
    if (firstSequence > this.#store.sequence + 1) {
      this.#world.trace.violation(`record ${firstSequence} is the first there`);
    }
  }

  async #sync(): Promise<void> {
    await attempt(this.#world, "sync", () => this.#store.sync());
  }

  /** Checks that what is acknowledged can be read, and nothing else. */
  async #replay(): Promise<void> {
    const store = this.#store;
    const { sequence } = store;
    const outcome = await attempt(
      this.#world,
      "replay",
      () => Array.fromAsync(store.replay({ to: sequence })),
      ["COMPACTED"],
    );
    this.#compare("a replay", outcome.error ? [] : outcome.value);
  }

  /** As another process does, with no lock. */
  async #readBeside(): Promise<void> {
    const { fs } = this.#world.process;
    const outcome = await attempt(
      this.#world,
      "read beside",
      () =>
        Array.fromAsync(
          MiniStore.replay<string>(PATH, { fs, ifMissing: "empty" }),
        ),
      ["COMPACTED"],
    );
    // It may have seen what was taken back since.
    if (this.#world.process.faults.failed.length > 0) return;
    this.#compare("a reader beside", outcome.error ? [] : outcome.value);
  }

  /** Reads history, and then what comes, until the process ends. */
  async #follow(): Promise<void> {
    const store = this.#store;
    const { signal } = this.#readers;
    const from = store.firstSequence;
    const seen: { seq: number; data: string }[] = [];
    const run = async () => {
      for await (const record of store.follow({ from, signal })) {
        seen.push(record);
      }
    };
    attempt(this.#world, "follow", run, ["COMPACTED", "ABORTED"])
      .then(() => this.#compare("a follower", seen));
    await undefined;
  }

  async #consume(): Promise<void> {
    await this.#consumer?.step((given) => this.#compare("a consumer", given));
  }

  /** Records that somebody has read must follow on, and be those that were written. */
  #compare(
    who: string,
    records: readonly { readonly seq: number; readonly data: string }[],
  ): void {
    const first = records[0]?.seq ?? 1;
    const { units, trace, process } = this.#world;
    if (process.isDead) return;
    const isInOrder = records.every(({ seq }, index) => seq === first + index);
    const found = records.map(({ data }) => data);
    const wanted = units.items.slice(first - 1, first - 1 + found.length);
    if (isInOrder && isSame(found, wanted)) return;
    trace.violation(`${who} sees ${found.map((item) => item.slice(0, 5))}`);
  }

  async #openAgain(): Promise<void> {
    if (this.#world.isInvaded || this.#world.isClosing) return;
    const outcome = await attempt(
      this.#world,
      "open again",
      () => this.#openAt(this.#world.process.fs),
      ["LOCKED"],
    );
    if (outcome.error === undefined) {
      this.#world.trace.violation("two handles write");
    }
  }

  facts(): Promise<Facts> {
    return Promise.resolve({
      log: { path: PATH, metrics: this.#store.metrics() },
    });
  }

  async close(): Promise<void> {
    await this.#consumer?.close();
    await this.#store.close();
    this.#readers.abort(Object.assign(new Error("over"), { code: "ABORTED" }));
  }

  end(): Promise<void> {
    return Promise.resolve();
  }
}
