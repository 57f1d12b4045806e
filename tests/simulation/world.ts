import type { MiniError } from "@mini/state/store";
import type { FileSystem } from "@mini/state/store";
import type { Random } from "@mini/state/testing";
import { rowOfFailure } from "./failure_rows.ts";
import type { Facts } from "./recount/facts.ts";
import type { Process } from "./process.ts";
import type { Coverage } from "./rows.ts";
import { told, type Trace } from "./trace.ts";
import type { Units } from "./units.ts";

/** The world that a program under test shares with its observers. */
export interface World {
  readonly random: Random;
  readonly trace: Trace;
  readonly coverage: Coverage;
  readonly units: Units;
  process: Process;
  /** Whether somebody else has changed the files of the process. */
  isInvaded: boolean;
  /** How often that has happened. */
  invasions: number;
  /** Whether the process is closing what it has open. */
  isClosing: boolean;
}

/** A program that keeps data, with a model of what it must have kept. */
export interface Program {
  readonly name: string;
  /** Starts in the process of the world; a rough start may be one with older code. Rejects as the library does. */
  open(isRough: boolean): Promise<void>;
  /** Compares what is there after opening with the model. */
  check(isPowerCut: boolean): Promise<void>;
  /** One thing that some caller does. */
  step(): Promise<void>;
  /** The numbers of what is open, or was last. */
  facts(): Promise<Facts>;
  /** Ends in order. */
  close(): Promise<void>;
  /** Everything there is on a disk, in order. Rejects as the library does. */
  read(fs: FileSystem): Promise<string[]>;
  /** Compares at the end of the run. */
  end(): Promise<void>;
}

/** The answer that a caller was given: a value, or an error with a code. */
export type Outcome<T> = { readonly value: T; readonly error?: undefined } | {
  readonly value?: undefined;
  readonly error: MiniError;
};

/** The codes that only a failing disk, or another program, brings about. */
const OF_THE_DISK = ["POISONED", "NO_SPACE", "IO", "PERMISSION"];

/** Does one thing, and takes note of how it ends. Codes that are not allowed are violations. */
export async function attempt<T>(
  world: World,
  what: string,
  operation: () => Promise<T> | T,
  allowed: readonly string[] = [],
): Promise<Outcome<T>> {
  const { trace, process } = world;
  trace.note(`${what} …`);
  try {
    const value = await operation();
    trace.note(`${what}: ${summary(value)}`);
    return { value };
  } catch (thrown) {
    const error = thrown as MiniError;
    trace.note(`${what}: ${told(error)}`);
    if (process.isDead) return { error };
    const { failed } = process.faults;
    const isHealthy = failed.length === 0 && !world.isInvaded;
    const isAllowed = allowed.includes(error.code) ||
      OF_THE_DISK.includes(error.code) && !isHealthy ||
      error.code === "CLOSED" && world.isClosing ||
      error.code === "CORRUPT" && world.isInvaded;
    if (!isAllowed) trace.violation(`${what}: ${told(error)}`);
    const row = rowOfFailure(error, failed);
    if (row !== undefined) world.coverage.hit(row);
    return { error };
  }
}

function summary(value: unknown): string {
  return typeof value === "number" || typeof value === "string"
    ? String(value)
    : "done";
}

/** The standing of a unit, from the answer that its caller was given. */
export function stands(
  { process }: World,
  { error }: Outcome<unknown>,
  isDurable: boolean,
): "pending" | "written" | "durable" | "refused" {
  if (error === undefined) return isDurable ? "durable" : "written";
  // A caller of a process that has ended is told nothing, but of what was refused before that.
  const isSure = ["CONFLICT", "NO_SPACE", "BUSY"].includes(error.code) ||
    /it is recorded as aborted/.test(error.message) ||
    !process.isDead && error.code === "CLOSED";
  return isSure ? "refused" : "pending";
}

/** One of them, by chance. */
export function pick<T>(random: Random, from: readonly T[]): T {
  return from[random.below(from.length)]!;
}
