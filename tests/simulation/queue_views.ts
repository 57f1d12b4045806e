import { type Clock, type MiniQueue, QueueView } from "@mini/state/queue";
import type { MiniError } from "@mini/state/store";
import { Beside } from "./beside.ts";
import { DIR } from "./process.ts";
import { quiet } from "./steady.ts";
import { told } from "./trace.ts";
import { attempt, type World } from "./world.ts";

/** How often a view may look until it shows what is there. */
const TURNS = 100;

/** More than a queue here ever holds. */
const ALL = 1_000_000;

/** Those who show a queue: its owner, and a view of it. */
type Shows = Pick<MiniQueue<string>, "deadLetters" | "finished" | "peek">;

/** A view of a queue in another process, which outlives the one that owns it. */
export class QueueViews {
  readonly #world: World;
  #beside: Beside | undefined;
  #view: QueueView<string> | undefined;
  /** Invasions before it was opened: what one does to it nobody knows. */
  #invasions = 0;

  constructor(world: World) {
    this.#world = world;
  }

  /** Sees the disk of the process that owns the queue from now on. */
  move(): void {
    this.#beside?.moveTo(this.#world.process);
  }

  get #isInvaded(): boolean {
    return this.#world.invasions > this.#invasions;
  }

  /** The clocks of the machine that all processes run on. */
  get #clock(): Clock {
    const clock = () => this.#world.process.clock;
    return {
      wall: () => clock().wall(),
      monotonic: () => clock().monotonic(),
      sleep: (ms, signal) => clock().sleep(ms, signal),
    };
  }

  /** Opens a view where there is none, and reads one that is there. */
  async look(): Promise<void> {
    const { trace, process, isInvaded, random } = this.#world;
    const view = this.#view;
    if (view !== undefined) {
      if (random.oneIn(12)) return await this.end();
      if (this.#isInvaded) return;
      const read = () => shownBy(view);
      // Somebody else may end it meanwhile.
      await attempt(this.#world, "read the view of the queue", read, [
        "CLOSED",
      ]);
      return;
    }
    if (isInvaded || process.isDead || this.#beside !== undefined) return;
    const beside = new Beside(process);
    this.#beside = beside;
    this.#invasions = this.#world.invasions;
    trace.note("open a view of the queue …");
    try {
      const view = await QueueView.open<string>(DIR, {
        fs: beside,
        clock: this.#clock,
        ifMissing: "empty",
      });
      if (this.#beside === beside) this.#view = view;
      else await view.close();
    } catch (error) {
      this.#beside = undefined;
      if (this.#isInvaded) return;
      trace.violation(`open a view: ${told(error as MiniError)}`);
    }
  }

  /** Comes to show what a queue shows that was just opened, which nobody uses meanwhile. */
  async check(queue: MiniQueue<string>): Promise<void> {
    const { trace, coverage, process } = this.#world;
    const view = this.#view;
    if (view === undefined) return;
    if (this.#isInvaded) return await this.end();
    // It may see what the owner does not know to be durable, and shows to nobody.
    if (process.faults.failed.length > 0) return;
    const wanted = await shownBy(queue);
    let found = "";
    for (let turn = 0; turn < TURNS; turn++) {
      found = await shownBy(view);
      if (found === wanted) {
        coverage.hit("view of a queue: shows what its owner shows");
        return;
      }
      await quiet();
    }
    const { failure } = view;
    trace.violation(
      failure === undefined
        ? `a view of the queue shows ${found}, not ${wanted}`
        : `a view of the queue has failed: ${told(failure)}`,
    );
  }

  /** Ends it with the run, or because what it reads was damaged. */
  async end(): Promise<void> {
    const view = this.#view;
    this.#view = this.#beside = undefined;
    await view?.close();
  }
}

/** The messages that wait, that are dead and that are kept, apart from what hangs on a clock. */
async function shownBy(shows: Shows): Promise<string> {
  const pending = (await shows.peek(ALL))
    .map(({ id, payload, attempts }) => `${id} ${payload} ${attempts}`);
  const dead = await shows.deadLetters({ limit: ALL });
  const finished = await shows.finished({ limit: ALL });
  return JSON.stringify([pending.sort(), dead, finished]);
}
