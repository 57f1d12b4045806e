// What a stream refuses is not appended.
import { assertEquals } from "@std/assert";
import { MiniStore } from "@mini/state/store";
import { MemoryFileSystem } from "@mini/state/testing";

const PATH = "/data/journal.jsonl";

/** How each promise ends. */
async function ends(promises: readonly Promise<unknown>[]): Promise<string[]> {
  const settled = await Promise.allSettled(promises);
  return settled.map((end) =>
    end.status === "fulfilled" ? "written" : end.reason.code ?? end.reason.name
  );
}

Deno.test("MiniStore.writable() appends no record that it refuses", async () => {
  for (const isWriter of [true, false]) {
    const fs = new MemoryFileSystem();
    await using store = await MiniStore.open<unknown>(PATH, { fs });
    const stream = store.writable();
    const writer = stream.getWriter();
    const written = [writer.write("a"), writer.write("b")];
    // It is locked, so that this closes nothing.
    const refused = [stream.close()];
    written.push(writer.write("c"));
    let last = writer;
    if (isWriter) written.push(writer.close());
    else {
      writer.releaseLock();
      refused.push(writer.close());
      const other = stream.getWriter();
      written.push(other.write("d"));
      other.releaseLock();
      written.push(stream.close());
      last = stream.getWriter();
    }
    refused.push(last.write("e"));
    const all = await ends([...refused, ...written]);
    const done = isWriter ? ["a", "b", "c"] : ["a", "b", "c", "d"];
    assertEquals(all, [
      ...refused.map(() => "TypeError"),
      ...written.map(() => "written"),
    ]);
    const records = await Array.fromAsync(store.replay(), ({ data }) => data);
    assertEquals(records, done);
  }
});

Deno.test("MiniStore.writable() appends no record whose schema closes the stream", async () => {
  const written: Promise<unknown>[] = [];
  const validate = (value: unknown) => {
    if (value === "c") written.push(writer.close());
    return { value: value as string };
  };
  await using store = await MiniStore.open<string>(PATH, {
    fs: new MemoryFileSystem(),
    schema: { "~standard": { validate } },
  });
  const writer = store.writable().getWriter();
  for (const record of ["a", "b", "c"]) written.push(writer.write(record));
  assertEquals((await ends(written)).at(-1), "TypeError");
  const records = await Array.fromAsync(store.replay(), ({ data }) => data);
  assertEquals(records, ["a", "b"]);
});
