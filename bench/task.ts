/** A task, its result, and how its cost is measured. */
import process from "node:process";

/** The result: how many a second, and other counts. */
export type Result = Record<string, number>;

/** A task: the name of a work, and its numbers. */
export interface Task {
  readonly work: string;
  readonly dir: string;
  readonly callers: number;
  readonly count: number;
  readonly seconds: number;
  /** How many operations warm up, and how many are measured after that, in place of a time. */
  readonly operations?: number;
  /** Of the times at which load comes. */
  readonly seed?: number;
  /** Whether all that is told is listened to. */
  readonly isObserved?: boolean;
}

/** The numbers of a task that say when it has been done for long enough. */
type Extent = Pick<Task, "seconds" | "operations">;

/** Whether that is so after some milliseconds, and a count of operations. */
export function isEnough(
  { seconds, operations }: Extent,
  ms: number,
  count: number,
): boolean {
  return operations === undefined ? ms >= seconds * 1000 : count >= operations;
}

/** Does something for some time, or so often, by callers that wait for each other's turn. */
export async function perSecond(
  callers: number,
  extent: Extent,
  operation: (index: number) => unknown,
  serverUs?: () => number,
): Promise<Cost> {
  let count = 0;
  const meter = new Meter(serverUs);
  await Promise.all(Array.from({ length: callers }, async () => {
    while (!isEnough(extent, meter.ms, count)) await operation(++count);
  }));
  return meter.cost(count);
}

/** How many a second, and the microseconds of CPU time that each has cost the process and its server. */
export type Cost = {
  rate: number;
  cpuUs: number;
  count: number;
  /** When it began and ended, in milliseconds since 1970. */
  from: number;
  until: number;
};

/** Measures from where it is made. */
export class Meter {
  readonly #start = performance.now();
  readonly #cpu = process.cpuUsage();
  readonly #serverUs: () => number;
  readonly #serverBefore: number;

  /** With the CPU time of a server, if there is one. */
  constructor(serverUs: () => number = () => 0) {
    this.#serverUs = serverUs;
    this.#serverBefore = serverUs();
  }

  /** Milliseconds so far. */
  get ms(): number {
    return performance.now() - this.#start;
  }

  /** The cost of each of `count`. */
  cost(count: number): Cost {
    const { ms } = this;
    const { user, system } = process.cpuUsage(this.#cpu);
    const cpuUs = user + system + this.#serverUs() - this.#serverBefore;
    const from = performance.timeOrigin + this.#start;
    return {
      rate: count / ms * 1000,
      cpuUs: cpuUs / count,
      count,
      from,
      until: from + ms,
    };
  }
}
