/** Things that several files of `deno task runtimes` need: the first that asks makes each. */
import { join } from "@std/path";

/** The variable that names the folder of a run, which all its files share. */
export const SHARED = "MINI_RUNTIMES_SHARED";

/** Makes a value, in a folder that stays until the run ends, unless it has been made. */
export async function once<T>(
  name: string,
  make: (dir: string) => Promise<T>,
): Promise<T> {
  const shared = Deno.env.get(SHARED) ?? own();
  const made = join(shared, `${name}.json`);
  using lock = await Deno.open(`${made}.lock`, { create: true, write: true });
  await lock.lock(true);
  try {
    return JSON.parse(await Deno.readTextFile(made));
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  const value = await make(await Deno.makeTempDir({ dir: shared }));
  await Deno.writeTextFile(made, JSON.stringify(value));
  return value;
}

let alone: string | undefined;

/** The folder of a file that is run alone. */
function own(): string {
  if (alone !== undefined) return alone;
  const dir = Deno.realPathSync(
    Deno.makeTempDirSync({ prefix: "mini-state-runtimes-" }),
  );
  globalThis.addEventListener(
    "unload",
    () => Deno.removeSync(dir, { recursive: true }),
  );
  return alone = dir;
}
