import { Joiner, NEWLINE, newSecret } from "../base/bytes.ts";
import { MAX_DEPTH, put } from "../base/json.ts";
import { parseJson } from "../base/walk.ts";

/** The beginning of a container, as its line says. */
interface Opener {
  readonly isArray: boolean;
  /** Its key in the one around it, if that is an object. */
  readonly key: string | undefined;
}

/** A container that is not closed yet. */
interface Open extends Opener {
  readonly value: object;
}

const INDENT = "  ";

/** Lines that are no longer nest no deeper than a record may: their indentation counts. */
const FLAT_CHARS = MAX_DEPTH;

/**
 * Parses JSON that is indented by two, a fragment of whole lines at a time:
 * other work can run between two of them, and the text is never in memory as a
 * whole. What each fragment leaves open is told by the indentation, and checked
 * by parsing it with a mark at its end. It throws where they differ.
 */
export class PrettyReader {
  readonly #maxDepth: number;
  readonly #decoder = new TextDecoder("utf-8", {
    fatal: true,
    ignoreBOM: true,
  });
  readonly #joiner = new Joiner();
  /** The key of what is opened again: no key of the text, and of a length that the text does not choose. */
  readonly #again = newSecret();
  /** The last value of the innermost container that is open, while a fragment is parsed. */
  readonly #mark = newSecret();
  /** The beginning of a line that has not ended. */
  #rest: Uint8Array<ArrayBuffer> = new Uint8Array(0);
  /** Outermost first. */
  #open: Open[] = [];
  /** The part that was read so far: all of it once the last line was taken, with its line feed. */
  value: unknown;

  constructor(maxDepth: number) {
    this.#maxDepth = maxDepth;
  }

  /** Takes more of the text; the array may be used again. */
  push(block: Uint8Array): void {
    const bytes = this.#joiner.join(this.#rest, block);
    const end = bytes.lastIndexOf(NEWLINE);
    this.#rest = bytes.subarray(end + 1);
    if (end >= 0) this.#take(bytes.subarray(0, end));
  }

  /** Takes whole lines. */
  #take(bytes: Uint8Array): void {
    const isFirst = this.value === undefined;
    const lines = this.#decoder.decode(bytes);
    const kept = this.#open.slice(0, this.#keptBy(lines));
    const openers = openersIn(lines, kept.length);
    const json = this.#closed(this.#beginning() + lines, [...kept, ...openers]);
    const value = isFlat(lines)
      ? JSON.parse(json)
      : parseJson(json, this.#maxDepth);
    if (isFirst) this.value = value;
    else this.#merge(0, value);
    for (const { key, isArray } of openers) {
      const around = kept.at(-1);
      const value = around === undefined ? this.value : childOf(around, key);
      kept.push({ value: value as object, isArray, key });
    }
    if (kept.length > 0) this.#unmark(kept.at(-1)!);
    this.#open = kept;
  }

  /** How many of the open containers stay open after lines. */
  #keptBy(lines: string): number {
    let at = 0;
    let kept = this.#open.length;
    while (kept > 0) {
      const { isArray } = this.#open[kept - 1]!;
      const closing = `\n${INDENT.repeat(kept - 1)}${isArray ? "]" : "}"}`;
      const isFirst = at === 0 && lines.startsWith(closing.slice(1));
      at = isFirst ? 0 : lines.indexOf(closing, at);
      if (at < 0) break;
      kept--;
    }
    return kept;
  }

  /** The text that opens again what is open. */
  #beginning(): string {
    return this.#open.map(({ isArray, key }) =>
      (key === undefined ? "" : `"${this.#again}":`) + (isArray ? "[" : "{")
    ).join("");
  }

  /** The text with a mark in the last of these containers, and all of them closed. */
  #closed(text: string, open: readonly Opener[]): string {
    if (open.length === 0) return text;
    const comma = "[{,".includes(text.at(-1)!) ? "" : ",";
    const mark = `"${this.#mark}"` + (open.at(-1)!.isArray ? "" : ":0");
    const ends = open.map(({ isArray }) => isArray ? "]" : "}");
    return text + comma + mark + ends.reverse().join("");
  }

  /** Takes the mark out again. Throws if it stands elsewhere: then the indentation says something else than the text. */
  #unmark({ value, isArray }: Open): void {
    const holds = isArray
      ? (value as unknown[]).pop() === this.#mark
      : this.#mark in value;
    if (!holds) throw new SyntaxError();
    if (!isArray) delete (value as Record<string, unknown>)[this.#mark];
  }

  /** Adds to an open container what was parsed of it. */
  #merge(level: number, more: unknown): void {
    const { value: into } = this.#open[level]!;
    const inner = this.#open[level + 1];
    if (Array.isArray(more)) {
      if (inner !== undefined) this.#merge(level + 1, more.shift());
      for (const child of more) (into as unknown[]).push(child);
      return;
    }
    for (const key of Object.keys(more as object)) {
      const child = (more as Record<string, unknown>)[key];
      if (inner !== undefined && key === this.#again) {
        this.#merge(level + 1, child);
      } else put(into, key, child);
    }
  }
}

function childOf({ value, isArray }: Open, key: string | undefined): unknown {
  return isArray
    ? (value as unknown[]).at(-1)
    : (value as Record<string, unknown>)[key!];
}

/** The containers, outermost first, that lines open and leave open within the first `kept`, as their indentation says. */
function openersIn(lines: string, kept: number): Opener[] {
  const openers: Opener[] = [];
  let level: number | undefined;
  let end = lines.length;
  while (end > 0 && level !== kept) {
    const at = lines.lastIndexOf("\n", end - 1);
    const line = lines.slice(at + 1, end).trimStart();
    const found = (end - at - 1 - line.length) / INDENT.length;
    const isOpener = line.endsWith("{") || line.endsWith("[");
    level ??= isOpener ? found + 1 : found;
    if (found === level - 1 && isOpener) {
      openers.unshift(openerIn(line));
      level--;
    }
    end = at;
  }
  return openers;
}

function openerIn(line: string): Opener {
  const isArray = line.endsWith("[");
  if (line.length === 1) return { key: undefined, isArray };
  return { key: String(JSON.parse(line.slice(0, -": {".length))), isArray };
}

/** Whether no line is so long, or so far in, that it may nest too deeply. */
function isFlat(lines: string): boolean {
  for (let at = -1; at + FLAT_CHARS < lines.length;) {
    const next = lines.lastIndexOf("\n", at + FLAT_CHARS);
    if (next <= at) return false;
    at = next;
  }
  return true;
}
