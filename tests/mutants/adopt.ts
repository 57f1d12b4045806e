/** Mutants of what is taken from a damaged file, and of how a new journal gets its name. */
import type { Mutant } from "./mutant.ts";

const certain = {
  file: "tests/cli/adopt_test.ts",
  test:
    "mini adopt takes what is certain of any file, and reports the rest with its place",
};

export const ADOPT_MUTANTS: readonly Mutant[] = [
  {
    name: "adopts-a-part-of-a-cut-value",
    file: "admin/adopt/values.ts",
    edits: [[
      "        parts.length = sure;\n",
      "        at = afterSpace(bytes, parts.at(-1)!.end);\n",
    ]],
    killedBy: certain,
  },
  {
    name: "lists-every-beginning-of-a-line",
    file: "admin/adopt/values.ts",
    edits: [[" && cut < MAX_CUT", ""]],
    killedBy: {
      file: "tests/cli/adopt_test.ts",
      test:
        "mini adopt leaves out a line of nothing but beginnings, in memory that does not grow with it",
    },
  },
  {
    name: "adopts-what-nuls-may-have-cut",
    file: "admin/adopt/values.ts",
    edits: [['(isClean && end === "newline")', "isClean"]],
    killedBy: certain,
  },
  {
    name: "built-under-its-own-name",
    file: "admin/journal_builder.ts",
    edits: [["contextOf(`${to.paths.active}.part`, to)", "to"]],
    killedBy: {
      file: "tests/cli/adopt_journal_test.ts",
      test:
        "mini adopt makes a journal of several segments, and tells of the first hundred losses",
    },
  },
  {
    name: "active-segment-named-first",
    file: "admin/journal_builder.ts",
    edits: [[
      "  const { directory } = paths;\n",
      "  const { directory } = paths;\n  await fs.rename(staged.active, paths.active);\n",
    ]],
    killedBy: {
      file: "tests/cli/adopt_journal_test.ts",
      test:
        "mini adopt makes a journal of several segments, and tells of the first hundred losses",
    },
  },
];
