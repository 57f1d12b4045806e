import { type JournalContext, untilStable } from "../store/internal.ts";
import { MiniStore } from "../store/mod.ts";
import { collect } from "../base/collect.ts";
import type { MiniError } from "../base/errors.ts";
import { NEWLINE } from "../base/bytes.ts";
import { readBlock } from "../fs/blocks.ts";
import { checkSegments, type SegmentCheck } from "./check.ts";
import { reading } from "./place.ts";
import { tornOfRust } from "./rust_end.ts";
import { type SegmentFile, survey } from "./survey.ts";

/** A segment, and what is known of it without reading those that are sealed. */
export interface SegmentExtent {
  readonly path: string;
  readonly base: number;
  readonly last: number;
  readonly sizeBytes: number;
  readonly isActive: boolean;
  /** How it ends, where it was read. */
  readonly end?: SegmentCheck["end"];
}

/** From where to where a journal goes. */
export interface Extent {
  /** The number of the first record, or of the next one where none is. */
  readonly first: number;
  readonly last: number;
  /** The id of the journal; none for one of the Rust program. */
  readonly logId?: string;
  readonly segments: readonly SegmentExtent[];
  /** Up to where the log proves that records had been applied. */
  readonly applied: number;
  /** How the last segment ends; `undefined` for one of the Rust program. */
  readonly end?: SegmentCheck;
  /** The same in a word, of any journal. */
  readonly ending: SegmentCheck["end"];
  /** How many bytes of an unfinished write opening would cut off. */
  readonly tornBytes: number;
  /** The damage in those that were read. */
  readonly problem?: MiniError;
}

/** As {@linkcode roughExtent}, but throws where what was read is damaged. */
export async function extent(context: JournalContext): Promise<Extent> {
  const found = await roughExtent(context);
  if (found.problem !== undefined) throw found.problem;
  return found;
}

/** Finds out from where to where a journal goes: by names, and by reading the last segments. */
export async function roughExtent(context: JournalContext): Promise<Extent> {
  return await untilStable(async () => {
    const before = await survey(context);
    const value = before.format === "ministore"
      ? await rustExtent(context, before.segments)
      : await nativeExtent(context, before.segments);
    const after = await survey(context);
    // Sealed while we looked: what was active may be in neither list.
    const isStable = pathsOf(before.segments) === pathsOf(after.segments);
    return { value, isStable };
  });
}

function pathsOf(segments: readonly SegmentFile[]): string {
  return segments.map(({ path }) => path).join("\n");
}

async function nativeExtent(
  context: JournalContext,
  files: readonly SegmentFile[],
): Promise<Extent> {
  const sealed = files.filter(({ isActive }) => !isActive);
  // With the one before it, so that the seam between the two is looked at.
  const from = sealed.at(-1)?.base ?? 0;
  const checks = await collect(checkSegments(context, from));
  const problem = checks.find(({ problem }) => problem)?.problem;
  const segments: SegmentExtent[] = sealed.slice(0, -1).map((segment, at) => ({
    path: segment.path,
    base: segment.base!,
    last: sealed[at + 1]!.base!,
    sizeBytes: segment.sizeBytes,
    isActive: false,
  }));
  for (const { path, base, last, sizeBytes, isActive, end } of checks) {
    segments.push({ path, base, last, sizeBytes, isActive, end });
  }
  const end = checks.at(-1)!;
  const logId = checks.find(({ header }) => header)?.header?.journal;
  return {
    first: segments[0]!.base + 1,
    last: end.last,
    applied: Math.max(...checks.map(({ applied }) => applied)),
    segments,
    end,
    ending: end.end,
    tornBytes: end.end === "torn" ? end.sizeBytes - end.goodBytes : 0,
    ...(logId !== undefined && { logId }),
    ...(problem !== undefined && { problem }),
  };
}

async function rustExtent(
  context: JournalContext,
  files: readonly { path: string; sizeBytes: number; isActive: boolean }[],
): Promise<Extent> {
  const segments: SegmentExtent[] = [];
  let base = 0;
  for (const { path, sizeBytes, isActive } of files) {
    // The header is a line as well.
    const last = base + Math.max(0, await newlines(context, path) - 1);
    segments.push({ path, base, last, sizeBytes, isActive });
    base = last;
  }
  // A last line may lack its newline and be whole.
  const { active } = context.paths;
  let last = base;
  const from = Math.max(1, base);
  for await (
    const { seq } of MiniStore.replay(active, { ...reading(context), from })
  ) last = Math.max(last, seq);
  const end = segments.at(-1);
  if (end !== undefined) segments[segments.length - 1] = { ...end, last };
  const tornBytes = await tornOfRust(context);
  const ending = tornBytes > 0 ? "torn" : "open";
  return { first: 1, last, applied: 0, segments, ending, tornBytes };
}

async function newlines(
  { fs }: JournalContext,
  path: string,
): Promise<number> {
  const file = await fs.open(path, "read");
  try {
    let lines = 0;
    for (;;) {
      const block = await readBlock(file);
      if (block.length === 0) return lines;
      for (let at = -1; (at = block.indexOf(NEWLINE, at + 1)) !== -1;) lines++;
    }
  } finally {
    await file.close();
  }
}
