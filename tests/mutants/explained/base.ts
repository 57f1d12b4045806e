import type { Explanations } from "../mutant.ts";

/** Mutations of `base/` that break nothing. */
export const BASE: Explanations = {
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
};
