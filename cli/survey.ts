import {
  type Format,
  type JournalContext,
  listSegments,
  type SealedFile,
} from "../store/internal.ts";
import { namesIn } from "../fs/directory.ts";

/** A file of a journal, not looked into. */
export interface SegmentFile extends SealedFile {
  readonly sizeBytes: number;
  readonly isActive: boolean;
}

/** The files of a journal, and their sizes. */
export interface Survey {
  readonly format: Format;
  /** Oldest first. */
  readonly segments: readonly SegmentFile[];
  readonly totalBytes: number;
}

/** Lists the files of a journal with their sizes. */
export async function survey(context: JournalContext): Promise<Survey> {
  const { fs, paths: { active, directory } } = context;
  const names = await namesIn(fs, directory);
  const { format, sealed } = await listSegments(context, names);
  const segments: SegmentFile[] = [];
  let totalBytes = 0;
  for (const file of [...sealed, { path: active }]) {
    const stat = await fs.stat(file.path);
    if (stat === undefined) continue;
    const { sizeBytes } = stat;
    segments.push({ ...file, sizeBytes, isActive: file.path === active });
    totalBytes += sizeBytes;
  }
  return { format, segments, totalBytes };
}
