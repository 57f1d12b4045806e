import type { MemoryFileSystem, User } from "@mini/state/testing";

export const DIR = "/srv/data";
export const PATH: string = `${DIR}/journal.jsonl`;
export const SERVICE: User = { uid: 1000, gid: 1000 };
export const ROOT: User = { uid: 0, gid: 0 };
/** Root in a container that has taken from it what gives files away. */
export const POOR_ROOT: User = { ...ROOT, mayChown: false };
export const COLLEAGUE: User = { uid: 1001, gid: 1001, groups: [1000] };

/** Who owns what in the directory, by name. */
export async function rightsIn(
  fs: MemoryFileSystem,
): Promise<Record<string, string>> {
  const found: Record<string, string> = {};
  for (const name of fs.names(DIR)) {
    const { uid, gid, mode } = (await fs.stat(`${DIR}/${name}`))!;
    found[name] = `${uid}:${gid} ${mode?.toString(8)}`;
  }
  return found;
}
