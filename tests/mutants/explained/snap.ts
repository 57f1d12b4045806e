import type { Explanations } from "../mutant.ts";

/** Mutations of `snap/` that break nothing. */
export const SNAP: Explanations = {
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
