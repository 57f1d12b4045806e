// A process that is being started has all open files of the one that starts it, for a moment.
import { assert } from "@std/assert";
import { TestDirectory } from "../support/dir.ts";
import { denoArgs, run, skipped } from "../support/system.ts";

Deno.test("MiniStore.close() frees the lock at once, also while another thread starts processes", async () => {
  if (Deno.build.os === "windows") {
    return skipped("a lock that a child has", "there is no true on Windows");
  }
  await using directory = new TestDirectory();
  // In a process of its own: starting them without end disturbs other tests in this one.
  const args = denoArgs("unlocking.ts", directory.at());
  const { success, stderr } = await run(Deno.execPath(), ...args);
  assert(success, stderr);
});
