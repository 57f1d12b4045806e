import { MiniStore } from "@mini/state/store";
import { PATH } from "./process.ts";
import type { RollBack } from "./roll_back.ts";
import type { Manager } from "./state_model.ts";
import { isSame } from "./units.ts";
import { attempt, type World } from "./world.ts";

/** Those who look at a state, or keep it small, while others change it. */
export class StateReaders {
  readonly #world: World;
  readonly #manager: Manager;
  readonly #rollBack: RollBack;
  readonly #stop = new AbortController();

  constructor(world: World, manager: Manager, rollBack: RollBack) {
    this.#world = world;
    this.#manager = manager;
    this.#rollBack = rollBack;
  }

  /** Has those end who watch. */
  end(): void {
    this.#stop.abort(Object.assign(new Error("over"), { code: "ABORTED" }));
  }

  async snapshot(): Promise<void> {
    const acknowledged = this.#rollBack.begun();
    const { proof } = this.#rollBack;
    const outcome = await attempt(
      this.#world,
      "snapshot",
      () => this.#manager.createSnapshot(),
    );
    if (outcome.error !== undefined) return;
    acknowledged();
    this.#world.units.prove(proof);
    await this.#rollBack.lookWithoutSnapshot();
  }

  async compact(): Promise<void> {
    await attempt(this.#world, "compact", () => this.#manager.compact());
  }

  /** The past is a beginning of the present. */
  async at(): Promise<void> {
    const { random, trace, units, process } = this.#world;
    const seq = random.below(this.#manager.sequence + 1);
    const outcome = await attempt(
      this.#world,
      `at ${seq}`,
      () => this.#manager.at(seq),
      this.#rollBack.isOlder ? ["COMPACTED", "REPLAY_FAILED"] : ["COMPACTED"],
    );
    if (outcome.error !== undefined || process.isDead) return;
    const { seen } = outcome.value;
    if (!units.isBeginning(seen)) {
      trace.violation(`at ${seq}: ${seen.map((name) => name.slice(0, 5))}`);
    }
  }

  /** Watches until the process ends: whatever comes is in order, and stays. */
  async watch(): Promise<void> {
    const { trace, units, process } = this.#world;
    const { signal } = this.#stop;
    const events: string[] = [];
    const watch = async () => {
      for await (const { mutation } of this.#manager.watch({ signal })) {
        if ("event" in mutation) events.push(mutation.event);
      }
    };
    attempt(this.#world, "watch", watch, ["COMPACTED", "ABORTED"]).then(() => {
      if (process.isDead) return;
      const at = units.items.indexOf(events[0] ?? "");
      const wanted = units.items.slice(at, at + events.length);
      if (events.length === 0 || isSame(events, wanted)) return;
      trace.violation(`watched ${events.map((name) => name.slice(0, 5))}`);
    });
    await undefined;
  }

  async readBeside(): Promise<void> {
    const { fs } = this.#world.process;
    await attempt(
      this.#world,
      "read beside",
      () => Array.fromAsync(MiniStore.replay(PATH, { fs, ifMissing: "empty" })),
      ["COMPACTED"],
    );
  }
}
