import type { Explanations } from "../mutant.ts";

/** Mutations of `snap/` that break nothing. */
export const SNAP: Explanations = {
  "snap/directory.ts": [
    ...["drop call", "drop await"].map((what) =>
      [
        "await fs.syncDirectory(dir).catch(() => {});",
        what,
        "after a power cut the snapshot is set aside again",
      ] as const
    ),
    [
      "if (stat === undefined && looks > 1) {",
      "> to >=",
      "the directory is looked at once more before a file is left out",
    ],
  ],
  "snap/envelope.ts": [
    [
      "if (piece.length < CHUNK_CHARS) continue;",
      "< to <=",
      "a piece may be a part longer",
    ],
  ],
  "snap/pretty.ts": [
    [
      'if (piece.length < CHUNK_CHARS && text !== "") continue;',
      "< to <=",
      "a piece may be a value longer",
    ],
    [
      "if (chars > constants.MAX_STRING_LENGTH) throw tooLarge();",
      "> to >=",
      "with the fields around the state the text is longer than a string in any case",
    ],
  ],
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
  "snap/snap_store.ts": [
    [
      "const pieces = snapshotText({ seq: 0 }, valid, this.#codec, true);",
      "true to false",
      "the text is whole in memory, as create() has it without onCaptured",
    ],
  ],
  "snap/snapshot_file.ts": [
    [
      "if (performance.now() - turn < TURN_MS) continue;",
      "< to <=",
      "the turn comes a piece later",
    ],
  ],
};
