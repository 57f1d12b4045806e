import { assert, assertEquals } from "@std/assert";
import type { Turns } from "./turns.ts";

/** Judges what a program tells in all its lives: nothing acknowledged is lost, nothing is there twice, all is in order. It keeps little, however long that takes. */
export class Judge {
  readonly counts = { taken: 0, ended: 0, inspected: 0 };
  /** The last turns that were acknowledged, of the log and of the state. */
  readonly taken: Record<string, Turns> = { log: {}, state: {} };
  /** The jobs that were acknowledged and have not ended. */
  readonly #jobs = new Map<number, "waits" | "ends">();
  readonly #lastInGroup: Record<string, number> = {};
  /** The jobs that were delivered before their callers learnt that they were enqueued. */
  readonly #early = new Set<number>();
  #lastJob = 0;

  /** Takes in what a life of the program has told. */
  take(what: string, parts: readonly unknown[]): void {
    switch (what) {
      case "found":
        return this.#find(...parts as [string, Turns]);
      case "taken":
        return this.#take(...parts as [string, string, number]);
      case "waiting":
        return this.#wait(...parts as [readonly number[]]);
      case "enqueued":
        return this.#enqueue(...parts as [number]);
      case "ending":
        return this.#begin(...parts as [number]);
      case "ended":
        return this.#end(...parts as [number, string | 0]);
      case "inspected":
        this.counts.inspected += parts[0] as number;
    }
  }

  #enqueue(id: number): void {
    this.#lastJob = Math.max(this.#lastJob, id);
    if (!this.#early.delete(id)) this.#jobs.set(id, "waits");
  }

  #begin(id: number): void {
    this.#lastJob = Math.max(this.#lastJob, id);
    if (!this.#jobs.has(id)) this.#early.add(id);
    this.#jobs.set(id, "ends");
  }

  #take(what: string, caller: string, turn: number): void {
    const turns = this.taken[what]!;
    assert(turn > (turns[caller] ?? 0), `${what}: ${caller} ${turn}`);
    turns[caller] = turn;
    this.counts.taken++;
  }

  /** A new life has found all that was acknowledged; what was under way may be there or not. */
  #find(what: string, turns: Turns): void {
    for (const [caller, turn] of Object.entries(this.taken[what]!)) {
      const found = turns[caller] ?? 0;
      assert(found >= turn, `${what}: ${caller} ${found}, told ${turn}`);
    }
    this.taken[what] = { ...turns };
  }

  /** A new life has found every job that had not ended, and none that had. */
  #wait(ids: readonly number[]): void {
    const waiting = new Set(ids);
    this.#early.clear();
    for (const [id, fate] of this.#jobs) {
      assert(waiting.has(id) || fate === "ends", `job ${id} is gone`);
      if (!waiting.has(id)) this.#jobs.delete(id);
    }
    for (const id of ids) {
      const isKnown = this.#jobs.has(id) || id > this.#lastJob;
      assert(isKnown, `job ${id} had ended, and is there`);
      this.#jobs.set(id, "waits");
    }
  }

  #end(id: number, group: string | 0): void {
    assertEquals(this.#jobs.get(id), "ends", `job ${id}`);
    this.#jobs.delete(id);
    this.counts.ended++;
    if (group === 0) return;
    assert(id > (this.#lastInGroup[group] ?? 0), `job ${id} of ${group}`);
    this.#lastInGroup[group] = id;
  }
}
