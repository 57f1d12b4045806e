import { hex, NEWLINE } from "../../base/bytes.ts";
import { pause } from "../../base/deadline.ts";
import { corrupt, damageOf } from "../corruption.ts";
import { endOfRecords } from "../format/line.ts";
import {
  numberAfter,
  type Shape,
  shapeOf,
  strayReason,
} from "../format/shape.ts";
import type { JournalContext } from "../journal.ts";
import { continues } from "./header.ts";
import { type IfMissing, journalLayout } from "./journal_segments.ts";
import type { Layout, SegmentKey } from "./layout.ts";
import type {
  LineMark,
  LinePlace,
  OpenSegment,
  VerifiedBlock,
} from "./segment_reader.ts";
import { compacted, type ReadStart, rewritten, unstable } from "./segments.ts";
import { SECOND_LOOK_MS } from "./until_stable.ts";

/** A place that was read up to, by which it is found again in a file that has taken the place of another. */
export interface TailPlace extends SegmentKey, LinePlace {
  /** The number of the next record. */
  readonly next: number;
  /** The time that the lines before it have told. */
  readonly at: number | undefined;
}

/** The looks that may see the same damage before one that decides. */
const MAX_LOOKS = 2;

/** How often in a row the place may be searched, and found in a file that the log does not have any more. */
const MAX_FINDS = 10;

/** The most places that are kept. */
const MAX_PLACES = 64;

/** Verified lines, as {@linkcode LogTail} gives them. */
interface TailBlock extends VerifiedBlock {
  readonly segment: OpenSegment;
  /** The line before them. */
  readonly before: LineMark;
  /** How many of the bytes are taken. */
  taken: number;
}

/** The place of one whose segment is not open. */
interface Lost {
  readonly next: number;
  /** The running checksum after the record before it: opening cuts off a mark that was read. */
  readonly chain: number;
}

/**
 * Reads a log that somebody else writes, on and on: through rotation and
 * compaction, and after a crash, a full disk or a repair. It keeps its place,
 * and waits only before the last look at damage.
 *
 * The running checksum decides whether the log is still the one that was read.
 * Where the file has another name or identity, or its last line has changed, the
 * place is looked up in the file that now has its records.
 */
export class LogTail {
  readonly #asked: JournalContext;
  readonly #start: ReadStart;
  readonly #ifMissing: IfMissing;
  #layout: Layout | undefined;
  #segment: OpenSegment | undefined;
  #identity = "";
  #id = "";
  /** The number of the first record that was read, or passed over. */
  #first = 1;
  /** Oldest first; many near the end. */
  #places: TailPlace[] = [];
  #block: TailBlock | undefined;
  #lost: Lost | undefined;
  /** Whether the place was verified since the last wait. */
  #isFresh = false;
  /** How often it has begun again, because what it had passed over was not there any more. */
  starts = 0;
  /** How often the place was searched since a file was last that of the log, or had a record after all that were read. */
  #finds = 0;
  /** The highest number of a next record so far. */
  #reached = 1;
  /** The damage that the last look has seen. */
  #damage: string | undefined;
  /** How many looks in a row have seen it. */
  #looks = 0;

  constructor(
    context: JournalContext,
    { from, since, ifMissing }: ReadStart & { readonly ifMissing: IfMissing },
  ) {
    this.#asked = context;
    this.#start = { from, since };
    this.#ifMissing = ifMissing;
  }

  /** The running checksum before the last lines. */
  get chain(): number {
    return this.#block!.chain;
  }

  /** How the log is laid out; `undefined` until there is one. */
  get layout(): Layout | undefined {
    return this.#layout;
  }

  /** The segment that is being read. */
  get segment(): OpenSegment | undefined {
    return this.#segment;
  }

  /**
   * The verified lines that come next; `undefined` if there are none now. They
   * count as taken, unless {@linkcode LogTail.keep} says otherwise, and are to
   * be parsed by the segment's `lines` before the next call.
   *
   * @throws {MiniError} `REWRITTEN`; `COMPACTED`; `NOT_FOUND`; `CORRUPT` for a
   * damage that is the same after a pause; and as opening does.
   */
  async next(): Promise<Uint8Array<ArrayBuffer> | undefined> {
    for (;;) {
      try {
        await this.#settle();
        if (this.#lost !== undefined) await this.#find();
        const block = await this.#look();
        this.#block = block;
        if (block === undefined) this.#damage = undefined;
        else this.#isFresh = true;
        return block?.lines;
      } catch (error) {
        const damage = damageOf(error);
        if (damage === undefined) throw error;
        this.#looks = damage === this.#damage ? this.#looks + 1 : 1;
        if (this.#looks > MAX_LOOKS) throw error;
        this.#damage = damage;
        await this.#lose();
        // What a writer has just replaced shows at once; a network folder may be late.
        if (this.#looks === MAX_LOOKS) await pause(SECOND_LOOK_MS);
      }
    }
  }

  /** Takes only the first `bytes` of the last lines: the rest is read again. */
  keep(bytes: number): void {
    this.#block!.taken = bytes;
  }

  /** Whether the last lines are of a file that the log has now. If not, they are not taken, and the place is found again. */
  async confirm(): Promise<boolean> {
    const { segment } = this.#block!;
    if (await this.#isActive(segment) || await this.#isSealed(segment)) {
      this.#finds = 0;
      return true;
    }
    this.keep(0);
    await this.#settle();
    await this.#lose();
    return false;
  }

  /** Passes over the last lines without parsing them; tells what the last of them says, unless it is a record of the Rust program. */
  pass(): Shape | undefined {
    const { segment: { lines, reader }, lines: bytes } = this.#block!;
    if (!this.#layout!.isNative) {
      let count = 0;
      for (let at = -1; (at = bytes.indexOf(NEWLINE, at + 1)) >= 0;) count++;
      lines.moveTo(lines.next + count);
      return undefined;
    }
    const shape = shapeOf(reader.lastLine.subarray(0, -1));
    if (shape === undefined || shape.kind === "header") {
      const { next: seq } = lines;
      throw corrupt(reader.path, { reason: strayReason(seq), seq });
    }
    lines.moveTo(numberAfter(reader.lastLine));
    return shape;
  }

  /** Frees the file. */
  async close(): Promise<void> {
    await this.#segment?.reader.close();
    this.#segment = undefined;
  }

  async #look(): Promise<TailBlock | undefined> {
    for (;;) {
      const segment = this.#segment ?? await this.#begin();
      if (segment === undefined) return undefined;
      const block = await read(segment);
      if (block !== undefined) return block;
      if (await this.#isActive(segment)) {
        if (await this.#isUnchanged(segment)) return undefined;
      } else {
        // It may have got more before it was sealed, or replaced.
        const last = await read(segment);
        if (last !== undefined) return last;
        if (await this.#isSealed(segment)) {
          const after = await this.#after(segment);
          if (after === undefined) return undefined;
          await this.#enter(after);
          await segment.reader.close();
          continue;
        }
      }
      await this.#lose();
      await this.#find();
    }
  }

  /** Opens the segment after one that is sealed; `undefined` if there is none yet. */
  async #after(segment: OpenSegment): Promise<OpenSegment | undefined> {
    const { reader, lines } = segment;
    if (reader.hasRest) await segment.judgeEnd("sealed", lines.next);
    return await this.#layout!.after(segment);
  }

  /** Notes the place after the last lines, now that they are taken. */
  async #settle(): Promise<void> {
    const block = this.#block;
    if (block === undefined) return;
    this.#block = undefined;
    const { segment, lines, offset, chain, before, taken } = block;
    const { reader, key, header: { base } } = segment;
    if (taken > 0 && segment.lines.next > this.#reached) {
      this.#reached = segment.lines.next;
      this.#finds = 0;
    }
    const end = this.#layout!.isNative ? endOfRecords(lines, taken) : taken;
    if (end > 0) {
      const { next, at } = segment.lines;
      this.#note({ ...reader.placeIn(block, end), key, base, next, at });
    }
    if (taken === lines.length) return;
    const place = taken > 0
      ? reader.placeIn(block, taken)
      : { offset, chain, mark: before };
    await reader.resume(place);
  }

  #note(place: TailPlace): void {
    this.#places.push(place);
    if (this.#places.length <= MAX_PLACES) return;
    this.#places = this.#places
      .filter((_, index) => index % 2 === 0 || index > MAX_PLACES / 2);
  }

  /** Opens the segment to begin with; `undefined` if there is none yet. */
  async #begin(): Promise<OpenSegment | undefined> {
    this.#layout = await journalLayout(this.#asked, this.#ifMissing);
    const segment = await this.#layout?.first(this.#start);
    if (segment === undefined) return undefined;
    this.#first = segment.header.base + 1;
    this.#id = segment.header.journal;
    await this.#enter(segment);
    return segment;
  }

  async #enter(segment: OpenSegment): Promise<void> {
    const { reader, key, header: { base } } = segment;
    await this.#take(segment);
    const at = undefined;
    this.#note({ ...reader.start, key, base, next: base + 1, at });
  }

  /** Reads on in a segment that was just opened, from a place if one is given. */
  async #take(segment: OpenSegment, place?: LinePlace): Promise<void> {
    const { reader } = segment;
    this.#identity = await reader.orClose(async () => {
      if (place !== undefined) await reader.resume(place);
      return await reader.identity();
    });
    this.#segment = segment;
    this.#isFresh = true;
  }

  async #isActive(segment: OpenSegment): Promise<boolean> {
    const { context } = this.#layout!;
    // A platform that cannot tell files apart tells their names.
    if (this.#identity === "" && await this.#isSealed(segment)) return false;
    return await this.#isAt(context.paths.active);
  }

  #isSealed({ key, header: { base } }: OpenSegment): Promise<boolean> {
    return this.#isAt(this.#layout!.sealedPath({ key, base }));
  }

  async #isAt(path: string): Promise<boolean> {
    const found = await this.#layout!.context.fs.stat(path);
    return found?.identity === this.#identity;
  }

  /** Whether an active segment without more lines still ends with the last one. */
  async #isUnchanged(
    { reader, lines, judgeEnd }: OpenSegment,
  ): Promise<boolean> {
    if (reader.isBroken) await judgeEnd("active", lines.next);
    const isIt = this.#isFresh ||
      this.#identity !== "" && await reader.holds(reader.end);
    this.#isFresh = false;
    if (isIt) this.#finds = 0;
    // What follows is an unfinished write: other bytes may come in its place.
    if (isIt && reader.hasRest) await reader.resume(reader.end);
    return isIt;
  }

  /** Gives up a segment, whose file may not be that of the log any more. */
  async #lose(): Promise<void> {
    const segment = this.#segment;
    if (segment === undefined) return;
    const { chain } = this.#places.at(-1)!;
    this.#lost = { next: segment.lines.next, chain };
    await this.close();
  }

  /** Finds the place again, in the file that now has it. */
  async #find(): Promise<void> {
    if (++this.#finds > MAX_FINDS) throw unstable(this.#layout!.context);
    const { next } = this.#lost!;
    // Nobody relies on what was passed over before the first record that is wanted.
    if (next === this.#first || next < (this.#start.from ?? 1)) {
      return this.#restart();
    }
    const found = await this.#search();
    if (found === undefined) return await this.#continueAfter(this.#lost!);
    const { segment, place } = found;
    if (place.next !== next) {
      await segment.reader.close();
      throw rewritten(this.#layout!.context, place.next);
    }
    await this.#take(segment, place);
    segment.lines.moveTo(next, place.at);
    this.#lost = undefined;
  }

  /** Searches the log for the last place that is still there, and opens its segment. */
  async #search(): Promise<
    { segment: OpenSegment; place: TailPlace } | undefined
  > {
    let segment: OpenSegment | undefined;
    for (let key: number | undefined;;) {
      const place = this.#places.at(-1);
      if (place === undefined || place.key !== key) {
        await segment?.reader.close();
        if (place === undefined) return undefined;
        key = place.key;
        segment = await this.#layout!.find(place);
      }
      if (segment?.header.journal === this.#id) {
        const { reader } = segment;
        const isThere = await reader.orClose(() => reader.holds(place));
        if (isThere) return { segment, place };
      }
      this.#places.pop();
    }
  }

  /** Continues with the segment after the last one, where compaction has removed that; throws where it is not there for another reason. */
  async #continueAfter({ next, chain }: Lost): Promise<void> {
    const { context, isNative, first } = this.#layout!;
    const segment = await first();
    const { journal, base = 0, prev } = segment?.header ?? {};
    const isOurs = isNative && journal === this.#id && prev !== hex(0);
    if (isOurs && base === next - 1 && continues(segment!.header, chain)) {
      await this.#enter(segment!);
      this.#lost = undefined;
      return;
    }
    await segment?.reader.close();
    if (isOurs && base >= next) throw compacted(context, next, base + 1);
    throw rewritten(context, this.#first);
  }

  #restart(): void {
    this.#places = [];
    this.#lost = undefined;
    this.starts++;
  }
}

/** Reads on in a segment. */
async function read(segment: OpenSegment): Promise<TailBlock | undefined> {
  const { reader } = segment;
  const before = reader.isAtStart ? reader.start.mark : reader.lastMark;
  const block = await reader.read();
  return block && { ...block, segment, before, taken: block.lines.length };
}
