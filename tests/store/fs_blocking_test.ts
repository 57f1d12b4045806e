import { assertEquals } from "@std/assert";
import { MiniStore } from "@mini/state/store";
import { TestDirectory } from "../support/dir.ts";
import { openAndRead } from "../support/journal.ts";
import { failing, patch } from "../support/patched.ts";

for (const method of ["writeSync", "syncSync"] as const) {
  Deno.test(`systemFileSystem.blocking tries ${method} again when a signal has interrupted it`, async () => {
    await using directory = new TestDirectory();
    await using store = await MiniStore.open<string>(directory.at());
    using _patch = patch(
      method,
      failing(3, () => new Deno.errors.Interrupted("EINTR")),
    );
    assertEquals(store.appendSync("a"), 1);
  });
}

Deno.test("systemFileSystem.blocking writes the rest after a short write", async () => {
  await using directory = new TestDirectory();
  {
    await using store = await MiniStore.open<string>(directory.at());
    using _patch = patch(
      "writeSync",
      (original, [bytes]) => original((bytes as Uint8Array).subarray(0, 7)),
    );
    assertEquals(store.appendSync("a"), 1);
  }
  assertEquals(await openAndRead(directory.at()), {
    data: ["a"],
    outcome: "clean",
  });
});
