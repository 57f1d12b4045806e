import type { JournalContext } from "../../store/internal.ts";

/** Changes when the journal does. */
export async function fingerprint(
  { fs, paths }: JournalContext,
): Promise<string> {
  const stat = await fs.stat(paths.active);
  return stat === undefined ? "none" : `${stat.identity} ${stat.sizeBytes}`;
}
