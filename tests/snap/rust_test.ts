import { assert, assertEquals } from "@std/assert";
import { SnapStore } from "@mini/state/snap";
import { MemoryFileSystem } from "@mini/state/testing";
import { TestDirectory } from "../support/dir.ts";
import { errorOf } from "../support/journal.ts";

const STATE = '{"id":18446744073709551615}';
const NAME = `snapshot_${"3".padStart(20, "0")}.json`;

const WRITTEN: [what: string, files: Record<string, string>][] = [
  ["the pair", { "snapshot.json": STATE, "snapshot.seq": "3" }],
  ["a snapshot", { [NAME]: `{"seq":3,"state":${STATE}}` }],
];
for (const [what, files] of WRITTEN) {
  Deno.test(`SnapStore.restore() refuses ${what} of the Rust minisnap with a number that JavaScript does not have`, async () => {
    await using directory = new TestDirectory();
    for (const [name, text] of Object.entries(files)) {
      await Deno.writeTextFile(directory.at(name), text);
    }
    const snaps = new SnapStore<unknown>(directory.path);
    const error = await errorOf(snaps.restore());
    assertEquals(error.code, "UNSERIALIZABLE");
    assert(error.message.includes("18446744073709551615"), error.message);
    assertEquals(directory.names(), Object.keys(files), "it was set aside");
  });
}

Deno.test("SnapStore.restore() gives a long state of the Rust minisnap whose characters the ends of reads cut", async () => {
  const fs = new MemoryFileSystem();
  await fs.createDirectory("/data", 0o700);
  for (const shift of [0, 1]) {
    const state = "x".repeat(shift) + "é".repeat(10_000);
    const text = JSON.stringify({ seq: 3, state });
    fs.put(`/data/${NAME}`, new TextEncoder().encode(text));
    const restored = await new SnapStore<string>("/data", { fs }).restore();
    assertEquals(restored?.state === state, true);
  }
});
