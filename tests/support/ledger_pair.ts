import { assertEquals, assertRejects } from "@std/assert";
import {
  applyToLedger,
  emptyLedger,
  type Ledger,
  type LedgerEntry,
  MiniQueue,
} from "@mini/state/queue";
import { StateManager } from "@mini/state/state";
import { MemoryFileSystem } from "@mini/state/testing";
import { FakeClock } from "./fake_clock.ts";
import { LedgerOracle, type OracleMessage } from "./ledger_oracle.ts";

type State = { readonly jobs: Ledger<unknown> };
type Change = { readonly jobs: LedgerEntry<unknown> };

const ATTACHED = { maxAttempts: 1_000_000, visibilityTimeoutMs: 1_000_000_000 };

/** A queue, and what it should be. */
export class Pair {
  readonly #fs = new MemoryFileSystem();
  readonly oracle: LedgerOracle = new LedgerOracle();
  clock: FakeClock = new FakeClock();
  #manager!: StateManager<State, Change>;
  queue!: MiniQueue<unknown, unknown, Change>;

  async open(): Promise<void> {
    this.#manager = await StateManager.open<State, Change>("/data", {
      fs: this.#fs,
      initial: () => ({ jobs: emptyLedger<unknown>() }),
      apply: (state, { jobs }) => applyToLedger(state.jobs, jobs),
    });
    const { finished, dead } = this.oracle.policy;
    this.queue = await MiniQueue.attach(this.#manager, "jobs", {
      ...ATTACHED,
      clock: this.clock,
      ...(finished && { keepFinished: finished }),
      ...(dead && { keepDead: dead }),
    });
  }

  get now(): number {
    return this.clock.wall();
  }

  /** Applies an entry to both. */
  async enter(event: object, change: () => void): Promise<void> {
    await this.#manager.apply(this.#changeOf(event));
    this.oracle.enter(this.now, change);
  }

  /** An entry of which one settlement is not current: none of it has an effect. */
  async refuse(event: object): Promise<void> {
    await assertRejects(() => this.#manager.apply(this.#changeOf(event)));
  }

  #changeOf(event: object): Change {
    return { jobs: { at: this.now, v: 2, ...event } as LedgerEntry };
  }

  async restart(isKilled: boolean): Promise<void> {
    if (isKilled) this.#fs.restart();
    else await this.#manager.close();
    this.clock = this.clock.restarted();
    const { oracle } = this;
    await this.open();
    const inFlight = oracle.in("inFlight");
    if (inFlight.length === 0) return;
    oracle.enter(this.now, () => {
      for (const message of inFlight) {
        oracle.retry(message, 0, false);
        message.reason = "the process ended before it was settled";
      }
    });
  }

  async close(): Promise<void> {
    const { sequence } = this.#manager;
    assertEquals(
      await this.#manager.at(sequence),
      this.#manager.state as State,
    );
    await this.#manager.close();
  }

  async compare(): Promise<void> {
    const { oracle, queue, now } = this;
    assertEquals(await queue.stats(), oracle.stats(now));
    const peeked = (await queue.peek(9_999)).map(({ id }) => id);
    assertEquals(peeked, oracle.order(now));
    for (let id = 1; id <= oracle.nextId; id++) {
      assertEquals(await queue.get(id), oracle.status(id, now));
    }
    const byId = (messages: OracleMessage[]) =>
      messages.map(({ id }) => id).sort((a, b) => a - b);
    const finished = byId(oracle.in("done", "cancelled"));
    const dead = byId(oracle.in("dead"));
    const idsOf = (page: { id: number }[]) => page.map(({ id }) => id);
    assertEquals(idsOf(await queue.finished()), finished);
    assertEquals(idsOf(await queue.deadLetters()), dead);
    const page = { after: 3, limit: 2 };
    const isAfter = (id: number) => id > 3;
    assertEquals(
      idsOf(await queue.finished(page)),
      finished.filter(isAfter).slice(0, 2),
    );
    assertEquals(
      idsOf(await queue.deadLetters(page)),
      dead.filter(isAfter).slice(0, 2),
    );
  }
}
