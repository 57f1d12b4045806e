import type { Random } from "@mini/state/testing";
import { applyEvents, type LoggedEvent } from "./disk/event_log.ts";
import type { Image } from "./disk/image.ts";

/** A disk writes a sector as a whole, or not at all. */
const SECTOR_BYTES = 512;

/** A write that was given to the disk. */
type Write = Extract<LoggedEvent, { kind: "write" }>;

const FATES = ["none", "all", "a beginning", "some", "sectors"] as const;

/** The writes since the last flush that reach the disk. */
export type Fate = typeof FATES[number];

/** A disk that a power cut has left. */
export interface CrashState {
  readonly image: Image;
  /** "none" if nothing was written since the last flush. */
  readonly fate: Fate;
}

/** A disk, as it was given events, from the first to the last. */
export class CutDisk {
  readonly #events: readonly LoggedEvent[];
  /** The content that is there for sure: all that was written before the last flush. */
  readonly #durable: Image;
  /** The number of events up to the last flush. */
  #flushed = 0;

  constructor(base: Image, events: readonly LoggedEvent[]) {
    this.#durable = base;
    this.#events = events;
  }

  /** Cuts the power when this number of events has happened, which is no smaller than the last time. */
  cut(count: number, random: Random): CrashState {
    const inFlight = this.#advance(count);
    const image = this.#durable.copy();
    const fate = inFlight.length === 0
      ? "none"
      : FATES[random.below(FATES.length)]!;
    applyEvents(image, keep(inFlight, fate, random));
    return { image, fate };
  }

  /** Makes durable what was written before the last flush, and returns what was written since. */
  #advance(count: number): Write[] {
    const happened = this.#events.slice(this.#flushed, count);
    const last = happened.findLastIndex(({ kind }) => kind === "flush") + 1;
    applyEvents(this.#durable, happened.slice(0, last));
    this.#flushed += last;
    return happened.slice(last).filter(isWrite);
  }
}

function isWrite(event: LoggedEvent): event is Write {
  return event.kind === "write";
}

/** The writes, or parts of them, that reach the disk. */
function keep(
  writes: readonly Write[],
  fate: Fate,
  random: Random,
): readonly Write[] {
  switch (fate) {
    case "none":
      return [];
    case "all":
      return writes;
    case "a beginning":
      return writes.slice(0, random.below(writes.length + 1));
    case "some":
      return writes.filter(() => random.oneIn(2));
    case "sectors": {
      const sectors = writes.flatMap(sectorsOf);
      // A few are missing, or half, or most.
      const most = [2, 8, sectors.length + 1][random.below(3)]!;
      const isInverse = random.oneIn(2);
      return sectors.filter(() => random.oneIn(most) !== isInverse);
    }
  }
}

function sectorsOf({ offset, bytes, ...write }: Write): Write[] {
  const found: Write[] = [];
  for (let at = 0; at < bytes.length; at += SECTOR_BYTES) {
    found.push({
      ...write,
      offset: offset + at,
      bytes: bytes.subarray(at, at + SECTOR_BYTES),
    });
  }
  return found;
}
