import type { Mutation } from "./generate.ts";

/** A mutation that breaks nothing: no test can notice it. */
export interface Explained {
  readonly file: string;
  /** The line that it changes, which stands once in the file. */
  readonly at: string;
  readonly what: string;
  readonly why: string;
}

const TABLE: Readonly<
  Record<string, readonly (readonly [at: string, what: string, why: string])[]>
> = {
  "base/bytes.ts": [
    [
      "if (start + length > this.#memory.length) {",
      "> to >=",
      "a rest is moved that need not be",
    ],
    [
      "const memory = 2 * length <= this.#memory.length",
      "<= to <",
      "memory is replaced that is large enough",
    ],
    [
      "for (let at = 0; at < secret.length; at++) {",
      "< to <=",
      "past the end of both texts stands NaN, and their lengths differ else",
    ],
  ],
  "base/checksum.ts": [
    [
      "for (let zeros = 2; zeros < bytes; zeros *= 2) {",
      "< to <=",
      "the table that is more is never used",
    ],
  ],
  "base/walk.ts": [
    [
      "for (let at = start; at < text.length; at++) {",
      "< to <=",
      "past the end stands NaN, which is no character that is looked for",
    ],
    [
      "} else if (unit === COMMA && depth === 1 && at >= next) {",
      ">= to >",
      "a part may be a character longer",
    ],
    [
      "if (at < 0) return undefined;",
      "< to <=",
      "no value ends where the text begins",
    ],
  ],
  "snap/directory.ts": ["drop call", "drop await"].map((what) => [
    "await fs.syncDirectory(dir).catch(() => {});",
    what,
    "after a power cut the snapshot is set aside again",
  ]),
  "snap/pretty_reader.ts": [
    [
      "if (end >= 0) this.#take(bytes.subarray(0, end));",
      ">= to >",
      "the line that is not taken is empty",
    ],
    [
      "for (let at = -1; at + FLAT_CHARS < lines.length;) {",
      "< to <=",
      "a flat text is parsed with the care that others need",
    ],
    [
      "return true;",
      "true to false",
      "a flat text is parsed with the care that others need",
    ],
  ],
};

export const EXPLAINED: readonly Explained[] = Object.entries(TABLE)
  .flatMap(([file, rows]) =>
    rows.map(([at, what, why]) => ({ file, at, what, why }))
  );

/** Whether this explains why a mutation breaks nothing. */
export function explains(known: Explained, mutation: Mutation): boolean {
  return known.file === mutation.file && known.what === mutation.what &&
    known.at === mutation.at;
}
