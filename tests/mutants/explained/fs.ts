import type { Explanations } from "../mutant.ts";

/** Mutations of `fs/` that break nothing. */
export const FS: Explanations = {
  "fs/changes.ts": [
    [
      "#isPending = false;",
      "false to true",
      "one hint is given that no change has caused",
    ],
  ],
  "fs/runtime/system_file.ts": [
    [
      "rest.length <= QUICK_WRITE_BYTES",
      "<= to <",
      "a thread writes what is as large as that",
    ],
  ],
};
