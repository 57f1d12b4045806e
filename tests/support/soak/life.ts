import { tell } from "../kill.ts";

/** The memory and the files that a process uses. */
export interface Use {
  /** After garbage was collected. */
  readonly heapMib: number;
  readonly rssMib: number;
  /** 0 if the system does not tell. */
  readonly openFiles: number;
}

/** The time from one turn of a program to the next. */
const PACE_MS = 40;

/** The life of a process of the soak: it tells its parent lines, until it is told to end. */
export class Life {
  readonly #ended = new AbortController();

  /** Aborted when the parent wants it to end. */
  get ended(): AbortSignal {
    return this.#ended.signal;
  }

  /** Ends it. */
  end(): void {
    this.#ended.abort();
  }

  /** Tells the parent a line: what it is about, and its parts. */
  tell(what: string, ...parts: readonly unknown[]): void {
    tell(JSON.stringify([what, ...parts]));
  }

  /** Does something again and again until the end, at a pace that leaves the machine to others. */
  async pace(turn: (count: number) => Promise<void>): Promise<void> {
    for (let count = 0; !this.ended.aborted; count++) {
      await turn(count);
      await this.#wait(PACE_MS);
    }
  }

  /** Tells what the process uses, every so often. */
  async tellUse(everyMs: number): Promise<void> {
    while (!this.ended.aborted) {
      await this.#wait(everyMs);
      this.tell("use", use());
    }
  }

  #wait(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const end = () => {
        clearTimeout(timer);
        this.ended.removeEventListener("abort", end);
        resolve();
      };
      const timer = setTimeout(end, ms);
      this.ended.addEventListener("abort", end);
    });
  }
}

function use(): Use {
  (globalThis as { gc?: () => void }).gc?.();
  const { heapUsed, rss } = Deno.memoryUsage();
  const mib = 2 ** 20;
  return { heapMib: heapUsed / mib, rssMib: rss / mib, openFiles: openFiles() };
}

/** How many files the process has open, where the system says so. */
function openFiles(): number {
  try {
    return [...Deno.readDirSync("/proc/self/fd")].length;
  } catch {
    return 0;
  }
}
