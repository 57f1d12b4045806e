import { AsyncLocalStorage } from "node:async_hooks";
import { channel, tracingChannel } from "node:diagnostics_channel";
import { ALL_POINTS, ALL_TRACED } from "../../support/listener.ts";
import { type Kind, KINDS } from "./operations.ts";
import type { Recount } from "./recount.ts";

/** Who counts what is told just now: processes one after another, and copies of their disks, have the same paths. */
const counting = new AsyncLocalStorage<Recount | undefined>();

/** Has what a task does be counted, with all that follows from it. */
export function counted<T>(recount: Recount | undefined, task: () => T): T {
  return counting.run(recount, task);
}

/** Has nobody count what a task does. */
export function uncounted<T>(task: () => T): T {
  return counting.run(undefined, task);
}

/** Has who counts take down that a snapshot which nobody has asked for failed. */
export function noteSnapshotFailure(): void {
  const answers = counting.getStore()?.answers;
  if (answers !== undefined) answers.snapshotFailures++;
}

/** Listens to all channels of the package for those who count what is told. */
export class Watch implements Disposable {
  readonly #stops: (() => void)[] = [];
  #turn: number;

  /** @param turn Decides whom it leaves out. */
  constructor(turn: number) {
    this.#turn = turn;
  }

  /** Whether it listens to the process that was begun last. */
  get isOn(): boolean {
    return this.#stops.length > 0;
  }

  /** Begins with another process. What one of four does nobody hears, as most users have it. */
  begin(): void {
    if (this.#turn++ % 4 === 0) this[Symbol.dispose]();
    else if (!this.isOn) this.#subscribe();
  }

  #subscribe(): void {
    for (const name of ALL_TRACED) {
      const traced = tracingChannel(`mini-state:${name}`);
      for (const kind of KINDS) this.#listen(traced[kind], name, kind);
    }
    for (const name of ALL_POINTS) {
      this.#listen(channel(`mini-state:${name}`), name, "point");
    }
  }

  #listen(told: ReturnType<typeof channel>, name: string, kind: Kind): void {
    const hear = (message: unknown) =>
      counting.getStore()?.hear(name, kind, message as object);
    told.subscribe(hear);
    this.#stops.push(() => told.unsubscribe(hear));
  }

  [Symbol.dispose](): void {
    for (const stop of this.#stops.splice(0)) stop();
  }
}
