import { assertEquals } from "@std/assert";
import { systemFileSystem } from "@mini/state/store";
import { TestDirectory } from "../support/dir.ts";

Deno.test("FileSystem.watch() ends at once where its signal has fired before", async () => {
  await using directory = new TestDirectory();
  const { path } = directory;
  const hints = systemFileSystem.watch!(path, AbortSignal.abort());
  assertEquals(await Array.fromAsync(hints), []);
});
