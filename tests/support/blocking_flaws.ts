import type { Flaw } from "./flaw.ts";

const nothing = () => {};

/** Flaws of the synchronous half: calls that do nothing. */
export const BLOCKING_FLAWS: readonly Flaw[] = [
  {
    what: "blocking: rename() does nothing",
    breaks: [
      "blocking: rename() gives a file another name",
      "blocking: rename() is durable after syncDirectory()",
    ],
    of: ({ blocking }) => ({ blocking: { ...blocking, rename: nothing } }),
  },
  {
    what: "blocking: remove() does nothing",
    breaks: ["blocking: remove() removes a file"],
    of: ({ blocking }) => ({ blocking: { ...blocking, remove: nothing } }),
  },
  {
    what: "blocking: syncDirectory() does nothing",
    breaks: ["blocking: create() is durable after syncDirectory()"],
    of: ({ blocking }) => ({
      blocking: { ...blocking, syncDirectory: nothing },
    }),
  },
  {
    what: "blocking: write() does nothing",
    breaks: ["blocking: write() appends all bytes, in order"],
    handles: ({ blocking }) => ({ blocking: { ...blocking!, write: nothing } }),
  },
  {
    what: "blocking: sync() does nothing",
    breaks: ["blocking: sync() makes earlier writes durable"],
    handles: ({ blocking }) => ({ blocking: { ...blocking!, sync: nothing } }),
  },
  {
    what: "blocking: truncate() does nothing",
    breaks: [
      "blocking: truncate() shortens the file, and writing continues at its new end",
    ],
    handles: ({ blocking }) => ({
      blocking: { ...blocking!, truncate: nothing },
    }),
  },
];
