import type { MiniError } from "@mini/state/store";
import { Beside } from "./beside.ts";
import {
  type Keeping,
  type Manager,
  openView,
  type View,
} from "./state_model.ts";
import { quiet } from "./steady.ts";
import { told } from "./trace.ts";
import { isSame } from "./units.ts";
import type { World } from "./world.ts";

/** How often a view may look until it shows what is there. */
const TURNS = 100;

/** A view in another process, which outlives the one that writes, and may take its place. */
export class StateViews {
  readonly #world: World;
  readonly #keeping: Keeping;
  #beside: Beside | undefined;
  #view: View | undefined;
  #resets = 0;
  /** Invasions before it was opened: what one does to it nobody knows. */
  #invasions = 0;

  constructor(world: World, keeping: Keeping) {
    this.#world = world;
    this.#keeping = keeping;
  }

  /** Sees the disk of the process that writes from now on. */
  move(): void {
    this.#beside?.moveTo(this.#world.process);
  }

  /** The manager of a view that takes over; `undefined` where there is none, or it is not to. */
  async promote(): Promise<Manager | undefined> {
    const { random, trace, coverage } = this.#world;
    if (this.#isInvaded) await this.#drop();
    const [view, beside] = [this.#view, this.#beside];
    if (view === undefined || random.oneIn(2)) return undefined;
    trace.note("the view takes over …");
    beside!.isWriter = true;
    const [resets, sequence] = [view.resets, view.sequence];
    try {
      const manager = await view.promote();
      if (view.resets === resets && sequence > 0) {
        coverage.hit("view: takes over with the state that it has");
      }
      this.#forget();
      return manager;
    } catch (error) {
      trace.note(`the view does not take over: ${told(error as MiniError)}`);
      beside!.isWriter = false;
      // It was in that process, and what it read may have failed it too.
      if (this.#world.process.isDead || view.failure !== undefined) {
        await this.#drop();
      }
      throw error;
    }
  }

  get #isInvaded(): boolean {
    return this.#world.invasions > this.#invasions;
  }

  #forget(): void {
    this.#view = this.#beside = undefined;
    this.#resets = 0;
  }

  async #drop(): Promise<void> {
    const view = this.#view;
    this.#forget();
    await view?.close();
  }

  /** Opens a view where there is none, and looks at one that is there. */
  async look(): Promise<void> {
    const { random, trace, process, isInvaded } = this.#world;
    if (this.#view !== undefined) return await this.#lookAtIt();
    if (isInvaded || process.isDead) return;
    const beside = new Beside(process);
    this.#beside = beside;
    this.#invasions = this.#world.invasions;
    trace.note("open a view …");
    try {
      const view = await openView(beside, this.#keeping);
      if (this.#beside === beside) this.#view = view;
      else await view.close();
    } catch (error) {
      this.#forget();
      if (this.#isInvaded) return;
      trace.violation(`open a view: ${told(error as MiniError)}`);
    }
    if (random.oneIn(2)) await this.#lookAtIt();
  }

  /** It shows the state after some record, whatever is under way. */
  async #lookAtIt(): Promise<void> {
    const { random, trace, units } = this.#world;
    const view = this.#view;
    if (view === undefined || this.#isInvaded) return;
    if (random.oneIn(12)) return await this.#drop();
    if (!this.#isAlive(view)) return;
    const seen = seenBy(view);
    if (seen !== undefined && !units.mayBeSeen(seen)) {
      trace.violation(`a view shows ${seen.map((name) => name.slice(0, 5))}`);
    }
  }

  #isAlive(view: View): boolean {
    const { trace } = this.#world;
    if (view.failure === undefined) return true;
    trace.violation(`a view has failed: ${told(view.failure as MiniError)}`);
    return false;
  }

  /** Comes to show what the process that has just opened finds, which nobody changes meanwhile. */
  async check(manager: Manager, isOlder: boolean): Promise<void> {
    const { trace, coverage } = this.#world;
    const view = this.#view;
    if (view === undefined) return;
    if (this.#isInvaded) return await this.#drop();
    // Older code leaves out what newer code shows, and a view waits for the abort of what throws.
    if (isOlder || manager.recovery.undecided.length > 0) {
      return await this.#lookAtIt();
    }
    const wanted = manager.state.seen;
    for (let turn = 0; turn < TURNS; turn++) {
      const seen = seenBy(view);
      if (seen !== undefined && isSame(seen, wanted)) {
        if (view.resets > this.#resets) {
          coverage.hit("view: starts over, what it showed was taken back");
        } else if (seen.length > 0) coverage.hit("view: continues");
        this.#resets = view.resets;
        return;
      }
      await quiet();
    }
    if (!this.#isAlive(view)) return;
    trace.violation(
      `a view shows ${seenBy(view)?.map((name) => name.slice(0, 5))}, not ${
        wanted.map((name) => name.slice(0, 5))
      }`,
    );
  }

  /** Ends it with the run, or because what it reads was damaged. */
  async end(): Promise<void> {
    await this.#drop();
  }
}

/** The events that a view shows; `undefined` while its state is being rebuilt. */
function seenBy(view: View): readonly string[] | undefined {
  try {
    return view.state.seen;
  } catch {
    return undefined;
  }
}
