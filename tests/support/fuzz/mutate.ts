import type { Random } from "@mini/state/testing";
import type { Edit, Input } from "./input.ts";
import { jsonOf, mutateJson, pick, VALUES } from "./mutate_json.ts";
import { mutateRequest } from "./mutate_request.ts";

const NAMES = [
  "journal.jsonl",
  "journal.00000000000000000000.jsonl",
  "journal.00000000000000000002.jsonl",
  "journal.00000000000000000004.jsonl",
  "snapshot_00000000000000000002.json",
  "snapshot_00000000000000000004.json",
  "snapshot_00000000000000000009.json",
  "journal.jsonl.consumer.c",
  "journal.jsonl.torn",
  "journal.jsonl.tmp",
  "journal.jsonl.lock",
];
const EDITS = ["cut", "flip", "nul", "double"] as const;

/** Makes an input from another, and from parts of a third. */
export function mutate(input: Input, other: Input, random: Random): Input {
  let mutated = input;
  for (let left = 1 + random.below(4); left > 0; left--) {
    mutated = mutateOnce(mutated, other, random);
  }
  return mutated;
}

function mutateOnce(input: Input, other: Input, random: Random): Input {
  if (input.request !== undefined && random.oneIn(2)) {
    const request = random.oneIn(5)
      ? other.request ?? input.request
      : mutateRequest(input.request, other.request ?? input.request, random);
    return { ...input, request };
  }
  const kind = random.below(12);
  if (kind === 0) return withEdit(input, random);
  if (kind === 1) return { ...input, edits: (input.edits ?? []).slice(1) };
  if (kind === 2) return mutateNames(input, other, random);
  const name = pick(random, Object.keys(input.files));
  const lines = input.files[name];
  if (lines === undefined) return mutateNames(input, other, random);
  const changed = kind < 7
    ? mutateLines(lines, linesLike(name, other, random), random)
    : mutateLine(lines, other, random);
  return { ...input, files: { ...input.files, [name]: changed } };
}

function withEdit(input: Input, random: Random): Input {
  const edit: Edit = {
    file: pick(random, Object.keys(input.files)) ?? "journal.jsonl",
    kind: pick(random, EDITS),
    at: random.oneIn(2) ? random.below(3_000) : 512 * random.below(4),
    length: random.oneIn(3) ? 512 : 1 + random.below(200),
  };
  return { ...input, edits: [...(input.edits ?? []), edit].slice(-3) };
}

/** Takes a file away, or in from the other input, or gives it another name. */
function mutateNames(input: Input, other: Input, random: Random): Input {
  const files = { ...input.files };
  const name = pick(random, Object.keys(files));
  const kind = random.below(4);
  if (kind === 0 && name !== undefined) delete files[name];
  else if (kind === 1 && name !== undefined) {
    files[pick(random, NAMES)] = files[name]!;
    if (random.oneIn(2)) delete files[name];
  } else {
    const [taken, lines] = pick(random, Object.entries(other.files)) ??
      ["journal.jsonl", []];
    files[taken] = lines;
  }
  return { ...input, files };
}

/** The lines of a file of the same kind in another input. */
function linesLike(
  name: string,
  other: Input,
  random: Random,
): readonly string[] {
  const kind = name.slice(0, 7);
  const names = Object.keys(other.files).filter((name) =>
    name.startsWith(kind)
  );
  return other.files[pick(random, names)] ?? [];
}

function mutateLines(
  lines: readonly string[],
  others: readonly string[],
  random: Random,
): readonly string[] {
  const at = random.below(lines.length + 1);
  const line = lines[at] ?? "{}";
  const from = random.below(others.length + 1);
  switch (random.below(6)) {
    case 0:
      return lines.toSpliced(at, 1);
    case 1:
      return lines.toSpliced(at, 0, line);
    case 2:
      return [...lines.slice(0, at), ...others.slice(from)].slice(0, 40);
    case 3:
      return lines.toSpliced(at, 0, ...others.slice(from, from + 1));
    case 4:
      return lines.toSpliced(at, 1).toSpliced(
        random.below(lines.length),
        0,
        line,
      );
    default:
      return renumbered(lines);
  }
}

/** Numbers the records of a journal so that they follow on. */
function renumbered(lines: readonly string[]): string[] {
  let seq = 0;
  return lines.map((line) => {
    const base = /"base":(\d+)/.exec(line);
    if (base !== null) seq = Number(base[1]);
    return line.replace(/^\{"seq":\d+/, () => `{"seq":${++seq}`);
  });
}

function mutateLine(
  lines: readonly string[],
  other: Input,
  random: Random,
): readonly string[] {
  const at = random.below(lines.length);
  const line = lines[at];
  if (line === undefined) return lines;
  const values = random.oneIn(3)
    ? VALUES
    : jsonOf(pick(random, Object.values(other.files).flat()) ?? "0");
  return lines.with(at, mutateJson(line, values, random));
}
