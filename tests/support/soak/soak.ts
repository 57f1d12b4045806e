import { assertEquals } from "@std/assert";
import { walk } from "@std/fs";
import type { Random } from "@mini/state/testing";
import { Judge } from "./judge.ts";
import type { Use } from "./life.ts";
import { SoakProcess } from "./process.ts";

/** The files of the programs, together. */
export interface Folder {
  readonly files: number;
  readonly kib: number;
}

/** How long a soak takes, and how often it measures. */
export interface SoakOptions {
  readonly forMs: number;
  readonly everyMs: number;
  readonly random: Random;
}

/** Two programs, one of which is killed again and again, and a process that watches that one from outside. */
export class Soak {
  /** The use of each process, over time; of those that are killed, each once, at the same age. */
  readonly uses = {
    killed: [] as Use[],
    steady: [] as Use[],
    watcher: [] as Use[],
  };
  readonly folders: Folder[] = [];
  kills = 0;
  readonly #judges = { killed: new Judge(), steady: new Judge() };
  readonly #dir: string;
  readonly #options: SoakOptions;
  /** The last lines of the program that is killed, and of the watcher. */
  readonly #told: Record<"ends" | "saw", readonly unknown[]> = {
    ends: [],
    saw: [],
  };

  /** @param dir An empty directory. */
  constructor(dir: string, options: SoakOptions) {
    this.#dir = dir;
    this.#options = options;
  }

  /** How much was acknowledged and answered in all. */
  get counts(): Judge["counts"] {
    const { killed, steady } = this.#judges;
    return {
      taken: killed.counts.taken + steady.counts.taken,
      ended: killed.counts.ended + steady.counts.ended,
      inspected: killed.counts.inspected + steady.counts.inspected,
    };
  }

  /** Runs it, and throws at what is lost, there twice or out of order. */
  async run(): Promise<void> {
    await using steady = await this.#live("steady");
    // The watcher needs files that are there.
    await (await this.#live("killed")).end();
    await using watcher = await this.#watch();
    const end = Date.now() + this.#options.forMs;
    while (Date.now() < end) {
      await using life = await this.#live("killed");
      await this.#endure(life, [steady, watcher], end);
      await life.kill();
      this.kills++;
      this.folders.push(await folderOf(this.#dir));
    }
    await using last = await this.#live("killed");
    await last.end();
    await steady.end();
    await watcher.end(JSON.stringify(this.#told.ends));
    const { log, state } = this.#judges.killed.taken;
    assertEquals(this.#told.saw, [log, state]);
  }

  /** Waits for the moment to kill a life; some are killed while they open. */
  async #endure(
    life: SoakProcess,
    others: readonly SoakProcess[],
    end: number,
  ): Promise<void> {
    const { everyMs, random } = this.#options;
    const lifeMs = random.oneIn(5) ? 0 : everyMs * (1 + random.below(6));
    if (lifeMs > 0) await life.opened;
    const waitMs = Math.min(lifeMs + random.below(400), end - Date.now());
    let timer;
    const ended = await Promise.race([
      new Promise<void>((resolve) => timer = setTimeout(resolve, waitMs)),
      ...[life, ...others].map(({ ended }) => ended),
    ]);
    clearTimeout(timer);
    assertEquals(ended, undefined, "a process of the soak ended by itself");
  }

  async #live(which: "killed" | "steady"): Promise<SoakProcess> {
    const dir = `${this.#dir}/${which}`;
    await Deno.mkdir(`${dir}/log`, { recursive: true });
    let isMeasured = false;
    return this.#start("program.ts", dir, (what, parts) => {
      if (what === "use" && !(which === "killed" && isMeasured)) {
        this.uses[which].push(parts[0] as Use);
        isMeasured = true;
      } else if (what === "ends" && which === "killed") {
        this.#told.ends = parts;
      } else this.#judges[which].take(what, parts);
    });
  }

  async #watch(): Promise<SoakProcess> {
    const dir = `${this.#dir}/killed`;
    const watcher = this.#start("watcher.ts", dir, (what, parts) => {
      if (what === "use") this.uses.watcher.push(parts[0] as Use);
      else if (what === "saw") this.#told.saw = parts;
      else this.#judges.killed.take(what, parts);
    });
    await watcher.opened;
    return watcher;
  }

  #start(
    script: string,
    dir: string,
    take: (what: string, parts: readonly unknown[]) => void,
  ): SoakProcess {
    return new SoakProcess(script, [dir, `${this.#options.everyMs}`], take);
  }
}

async function folderOf(dir: string): Promise<Folder> {
  let files = 0;
  let bytes = 0;
  for await (const { path } of walk(dir, { includeDirs: false })) {
    files++;
    // It may have been compacted meanwhile.
    bytes += (await Deno.stat(path).catch(() => undefined))?.size ?? 0;
  }
  return { files, kib: bytes / 1024 };
}
