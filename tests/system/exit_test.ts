// A process that ends: what it appends in its handlers is there.
import { assertEquals } from "@std/assert";
import { MiniStore } from "@mini/state/store";
import { TestDirectory } from "../support/dir.ts";
import { denoArgs, run } from "../support/system.ts";

/** How a process ends, and the handlers that run then. */
const ENDS: Record<string, readonly string[]> = {
  exit: ["unload"],
  throw: ["error"],
  reject: ["rejection"],
  kill: [],
};

for (const [how, handlers] of Object.entries(ENDS)) {
  Deno.test(`MiniStore.appendSync(): what a handler appends is there after its process has ended: ${how}`, async () => {
    await using directory = new TestDirectory();
    const args = denoArgs("exiting_writer.ts", directory.at(), how);
    const { success, stdout } = await run(Deno.execPath(), ...args);
    assertEquals(success, false);
    const told = stdout.trim().split("\n");
    const written = Array.from(
      { length: 5 },
      (_, index) => `${index} ${"x".repeat(60)}`,
    );
    assertEquals(told, [...written, ...handlers]);
    await using store = await MiniStore.open<string>(directory.at());
    const found = await Array.fromAsync(store.replay(), ({ data }) => data);
    const waited = how === "exit" ? ["waiting"] : [];
    assertEquals(found, [...written, ...waited, ...handlers]);
  });
}
