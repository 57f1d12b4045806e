import { decodeJson, isInParts, type SnapCodec } from "../base/codec.ts";
import { toJson } from "../base/json.ts";
import type { LogRecord } from "../store/mod.ts";

/** The most records, and characters of them, that are kept after a checkpoint. */
const MAX_RECORDS = 1_000;
const MAX_CHARS = 1024 * 1024;

/** A checkpoint that no more records follow than this is as good as a new one. */
const FEW_RECORDS = 100;

/**
 * A copy of the state in memory, and the records that follow it. A state is
 * rebuilt from these without reading the disk.
 */
export class Checkpoint<S> {
  /** The sequence number that it stands at. */
  readonly seq: number;
  /** Resolves to a new copy of the state. */
  readonly restore: () => Promise<S>;
  readonly #texts: string[] = [];
  #chars = 0;
  #isComplete = true;

  private constructor(seq: number, restore: () => Promise<S>) {
    this.seq = seq;
    this.restore = restore;
  }

  /** Makes a checkpoint of a state, which must not change meanwhile; `undefined` if JSON does not keep the state. */
  static async of<S>(
    codec: SnapCodec<S> | undefined,
    state: S,
    seq: number,
  ): Promise<Checkpoint<S> | undefined> {
    try {
      const encoded = codec === undefined ? state : codec.encode(state);
      if (codec === undefined || !isInParts(encoded)) {
        const text = textOf(encoded);
        return new Checkpoint(seq, () => decodeJson(codec, JSON.parse(text)));
      }
      const texts: string[] = [];
      for await (const part of encoded) texts.push(textOf(part));
      return new Checkpoint(seq, () => decodeJson(codec, parsed(texts)));
    } catch {
      // It is rebuilt from the log then.
      return undefined;
    }
  }

  /** Makes a checkpoint of a state that never changes. */
  static ofImmutable<S>(state: S, seq: number): Checkpoint<S> {
    return new Checkpoint(seq, () => Promise.resolve(state));
  }

  /** Whether it has kept every record since. */
  get isComplete(): boolean {
    return this.#isComplete;
  }

  /** Whether a new checkpoint would save little. */
  get isRecent(): boolean {
    return this.#isComplete && this.#texts.length <= FEW_RECORDS;
  }

  /** Keeps the next record. `text` returns its JSON, from before anything could change it. */
  keep(seq: number, text: () => string): void {
    if (!this.#isComplete || seq <= this.#last) return;
    const json = text();
    this.#chars += json.length;
    this.#isComplete = seq === this.#last + 1 && this.#chars <= MAX_CHARS &&
      this.#texts.length < MAX_RECORDS;
    if (this.#isComplete) this.#texts.push(json);
    else this.#texts.length = 0;
  }

  /** The records after it up to `to`; `undefined` if it has not kept them all. */
  recordsUpTo(to: number): LogRecord<unknown>[] | undefined {
    if (!this.#isComplete || to > this.#last) return undefined;
    return this.#texts.slice(0, to - this.seq).map((text, index) => ({
      seq: this.seq + index + 1,
      data: JSON.parse(text),
    }));
  }

  get #last(): number {
    return this.seq + this.#texts.length;
  }
}

async function* parsed(
  texts: readonly string[],
): AsyncGenerator<unknown, void, undefined> {
  for (const text of texts) yield await JSON.parse(text);
}

/** The JSON of a value that JSON keeps in every way; throws for any other. */
function textOf(value: unknown): string {
  assertTree(value);
  return toJson(value, Infinity);
}

/** Throws for objects that JSON turns into others: one that stands in two places, and one without a prototype. */
export function assertTree(root: unknown): void {
  const seen = new Set<unknown>();
  const waiting = [root];
  while (waiting.length > 0) {
    const value = waiting.pop();
    if (typeof value !== "object" || value === null) continue;
    if (seen.has(value) || Object.getPrototypeOf(value) === null) {
      throw new TypeError("JSON would make other objects of it");
    }
    seen.add(value);
    for (const child of Object.values(value)) waiting.push(child);
  }
}
