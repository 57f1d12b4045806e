import { join } from "@std/path";
import { namesIn } from "../../fs/directory.ts";
import type { FileSystem } from "../../fs/file_system.ts";
import type { JournalContext } from "../../store/internal.ts";

/** Changes when the journal does. */
export async function fingerprint(
  { fs, paths }: JournalContext,
): Promise<string> {
  const stat = await fs.stat(paths.active);
  return stat === undefined ? "none" : `${stat.identity} ${stat.sizeBytes}`;
}

/** Changes when a file in the directory does, or in the inbox there. */
export async function footprint(
  fs: FileSystem,
  directory: string,
): Promise<string> {
  const names = (await namesIn(fs, directory)).sort();
  const files = await Promise.all(names.map(async (name) => {
    // Sealed segments and snapshots do not change.
    if (/\d{20}/.test(name)) return name;
    const { sizeBytes, identity } = await fs.stat(join(directory, name)) ?? {};
    return [name, sizeBytes, identity];
  }));
  const posted = await namesIn(fs, join(directory, "inbox")).catch(() => []);
  return JSON.stringify([files, posted.sort()]);
}
