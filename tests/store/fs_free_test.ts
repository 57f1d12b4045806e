import { assert, assertEquals, assertRejects } from "@std/assert";
import { systemFileSystem as fs } from "@mini/state/store";
import { TestDirectory } from "../support/dir.ts";

Deno.test("systemFileSystem tells how many bytes are free", async () => {
  await using directory = new TestDirectory();
  const free = await fs.freeBytes!(directory.path);
  assert(Number.isSafeInteger(free) && free > 0, `${free} bytes are free`);
});

for (const name of ["sys", "read"] as const) {
  Deno.test({
    name:
      `systemFileSystem asks for no permission to tell how many bytes are free: without ${name} it rejects`,
    permissions: { sys: true, read: true, [name]: false },
    async fn() {
      const error = await assertRejects(() => fs.freeBytes!("/"), Error, name);
      assertEquals((error as { code?: string }).code, "ENOTCAPABLE");
    },
  });
}
