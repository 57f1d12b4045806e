import {
  type Header,
  headerOf,
  isIntact,
  isRustJournal,
  type JournalContext,
  judgeStart,
} from "../store/internal.ts";
import { join } from "node:path";
import { NEWLINE } from "../base/bytes.ts";
import { FIRST_BLOCK_BYTES, readBlock } from "../fs/blocks.ts";
import { openIfThere } from "../fs/directory.ts";
import { namesIn } from "../fs/directory.ts";

/** What wrote a journal: this package, or the Rust `ministore`. */
export type Format = "mini" | "ministore";

/** A file of a journal, not looked into. */
export interface SegmentFile {
  readonly path: string;
  readonly sizeBytes: number;
  readonly isActive: boolean;
  /** The number before its first record, where that is known without reading it. */
  readonly base?: number;
}

/** What stands on disk of a journal. */
export interface Survey {
  readonly format: Format;
  /** Oldest first. */
  readonly segments: readonly SegmentFile[];
  readonly totalBytes: number;
}

/** Looks which files a journal has. */
export async function survey(context: JournalContext): Promise<Survey> {
  const { paths } = context;
  const rust = await rotatedByRust(context);
  const sealed: { path: string; base?: number }[] = rust?.map((path) => ({
    path,
  })) ??
    paths.sealedBases(await namesIn(context.fs, paths.directory))
      .map((base) => ({ path: paths.sealed(base), base }));
  const segments: SegmentFile[] = [];
  for (const file of [...sealed, { path: paths.active }]) {
    const stat = await context.fs.stat(file.path);
    if (stat === undefined) continue;
    const { sizeBytes } = stat;
    segments.push({ ...file, sizeBytes, isActive: file.path === paths.active });
  }
  const totalBytes = segments.reduce(
    (sum, { sizeBytes }) => sum + sizeBytes,
    0,
  );
  const format = rust === undefined ? "mini" : "ministore";
  return { format, segments, totalBytes };
}

/** The segments that the Rust program has rotated out; `undefined` where the journal is not its. */
export async function rotatedByRust(
  context: JournalContext,
): Promise<string[] | undefined> {
  const { fs, paths } = context;
  const names = await namesIn(fs, paths.directory);
  const rotated = paths.rustSegments(names).map((name) =>
    join(paths.directory, name)
  );
  const oldest = rotated[0] ?? paths.active;
  return await isRustJournal(context, oldest) ? rotated : undefined;
}

/**
 * The header of a segment; `undefined` where there is no such file, or its
 * header was never finished. Throws where it is damaged, or not ours.
 */
export async function readHeader(
  context: JournalContext,
  path: string,
): Promise<Header | undefined> {
  const file = await openIfThere(context, path);
  if (file === undefined) return undefined;
  try {
    const start = await readBlock(file, FIRST_BLOCK_BYTES);
    const line = start.subarray(0, Math.max(start.indexOf(NEWLINE), 0));
    if (isIntact(line, 0)) return headerOf(line, path);
    judgeStart(path, start);
    return undefined;
  } finally {
    await file.close();
  }
}
