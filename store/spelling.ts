import { basename, join } from "@std/path";
import { MiniError } from "../base/errors.ts";
import { sameFile } from "../fs/directory.ts";
import { type JournalContext, JournalPaths } from "./journal.ts";

/**
 * The journal under the name that its directory lists. A file system may treat
 * several spellings as one name: by case, by Unicode form, or because it cannot
 * store one as it is. Segments are found by the names that are listed.
 *
 * @throws {MiniError} `UNSUPPORTED_FORMAT` if its segments are spelled in several ways.
 */
export async function asListed(
  context: JournalContext,
  names: readonly string[],
): Promise<JournalContext> {
  const { paths, fs, staging } = context;
  const segments = new Set<string>();
  const locks = new Set<string>();
  const isOurs = sameFile(fs, names);
  for (const name of names) {
    for (const { path, active, isLock } of paths.readingsOf(name)) {
      if (!await isOurs(join(paths.directory, name), path)) continue;
      (isLock ? locks : segments).add(active);
    }
  }
  if (segments.size > 1) throw mixed(paths, [...segments]);
  const [active = basename(paths.active)] = [...segments, ...locks];
  if (active === basename(paths.active)) return context;
  const listed = new JournalPaths(join(paths.directory, active));
  const { temporary, active: like } = listed;
  return {
    ...context,
    paths: listed,
    staging: { ...staging, temporary, like },
  };
}

function mixed(
  { active: path }: JournalPaths,
  spellings: readonly string[],
): MiniError {
  const all = spellings.map((name) => JSON.stringify(name)).join(" and ");
  return new MiniError(
    "UNSUPPORTED_FORMAT",
    `Cannot read "${path}": this file system treats the names ${all} of its segments as one: give them one spelling; nothing was changed`,
    { path },
  );
}
