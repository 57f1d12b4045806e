import type { DiskSnapshot } from "@mini/state/testing";
import { PATH } from "./process.ts";
import { pick, type World } from "./world.ts";

/** The things that another program may do to the files of a running process. */
const DEEDS = ["removes", "replaces", "cuts", "grows", "unlocks"] as const;

/**
 * Changes the files behind the back of the process. Gives the disk as it was
 * before, where the change has made it worse: nothing may be acknowledged from
 * here on, so that putting back the old files loses nothing.
 */
export async function invade(world: World): Promise<DiskSnapshot | undefined> {
  const { process, random, trace } = world;
  const { fs } = process;
  const bytes = fs.content(PATH);
  if (process.isDead || bytes === undefined) return undefined;
  // A file that is cut back because the disk is full may be as it should again.
  process.faults.mend();
  const before = fs.snapshot();
  const deed = pick(random, DEEDS);
  trace.note(`somebody ${deed} the file`);
  world.isInvaded = true;
  if (deed === "unlocks") {
    fs.unlink(`${PATH}.lock`);
    return undefined;
  }
  if (deed === "removes") fs.unlink(PATH);
  else if (deed === "replaces") fs.put(PATH, bytes);
  else {
    await process.outside(async () => {
      const file = await fs.open(PATH, "append");
      await (deed === "cuts"
        ? file.truncate(bytes.length - 1)
        : file.write(new TextEncoder().encode("\n")));
    });
  }
  return before;
}
