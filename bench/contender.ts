/** Something that keeps values by number, as a log does. */
export interface Log {
  /** Durable when it resolves, or returns. */
  append(number: number, value: unknown): unknown;
  /** One durable unit. */
  appendAll(first: number, values: readonly unknown[]): unknown;
  /** Many values, each for itself, as fast as it can. */
  fill(first: number, values: readonly unknown[]): unknown;
  /** Gives every value, oldest first. */
  readAll(take: (value: unknown) => void): unknown;
  close(): unknown;
}

/** Something that keeps messages until they are acknowledged. */
export interface Queue {
  /** Durable when it resolves, or returns. */
  enqueue(value: unknown): unknown;
  /** Many, as fast as it can. */
  fill(values: readonly unknown[]): unknown;
  /** Receives and acknowledges, `consumers` at a time; calls back for each, until that says that it is enough. */
  drain(consumers: number, isEnough: () => boolean): unknown;
  /** Calls back for each message that comes, and acknowledges it. */
  listen(take: (value: unknown) => void): unknown;
  /** Acknowledges each message that comes, `consumers` at a time if it can, and calls back once it is; until the end of the program. */
  serve(consumers: number, done: (value: unknown) => void): unknown;
  /** Microseconds of CPU time that the server has had, if there is one. */
  cpuUs?(): number;
  close(): unknown;
}

/** Who is measured. */
export interface Contender<T> {
  readonly name: string;
  /** How it is set up, and whether it syncs. */
  readonly setting: string;
  /** Whether what it has acknowledged survives a power cut. */
  readonly isDurable: boolean;
  /** The measures that it is left out of, since they would say nothing of it. */
  readonly not?: readonly string[];
  open(dir: string): Promise<T>;
}

/** Loads what the type checker does not see, and what is fetched only when it is measured. */
// deno-lint-ignore no-explicit-any -- nothing is known of it
export function load(specifier: string): Promise<any> {
  return import(specifier);
}
