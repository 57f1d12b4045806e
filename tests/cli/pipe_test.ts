// What a command does when the reader of its output has seen enough.
import { assertEquals } from "@std/assert";
import { MiniStore } from "@mini/state/store";
import { TestDirectory } from "../support/dir.ts";
import { miniCommand } from "../support/mini.ts";

/** `mini tail -f` of a log, in a pipe. */
function tail(path: string, ...options: string[]): Deno.ChildProcess {
  return new Deno.Command(Deno.execPath(), {
    args: miniCommand(["tail", "-f", ...options, path], ["-R"]),
    stdout: "piped",
  }).spawn();
}

for (const options of [[], ["--json"]]) {
  Deno.test(`mini ${["tail -f", ...options].join(" ")} ends once its reader has gone, though no record comes`, async () => {
    await using directory = new TestDirectory();
    await using store = await MiniStore.open<string>(directory.at());
    // A long number can be begun more than once, should this reader be slow to go.
    await store.appendBatch(new Array(100_000).fill("a"));
    const child = tail(store.path, ...options);
    const reader = child.stdout.getReader();
    await reader.read();
    await reader.cancel();
    assertEquals((await child.status).code, 0);
  });

  Deno.test(`mini ${["tail -f", ...options].join(" ")} prints whole lines, however long it waits between them`, async () => {
    await using directory = new TestDirectory();
    await using store = await MiniStore.open<string>(directory.at());
    await store.append("record 1");
    const child = tail(store.path, ...options);
    const lines = [1, 2, 3].map((seq) =>
      options.length > 0
        ? `{"seq":${seq},"data":"record ${seq}"}\n`
        : `${seq}\t"record ${seq}"\n`
    );
    let text = "";
    for await (
      const part of child.stdout.pipeThrough(new TextDecoderStream())
    ) {
      text += part;
      if (text === lines.join("")) break;
      // The next record comes when its line is begun.
      const shown = text.split("\n").length - 1;
      if (shown < 3 && !text.endsWith("\n") && store.sequence === shown) {
        await store.append(`record ${shown + 1}`);
      }
    }
    assertEquals(text, lines.join(""));
    assertEquals((await child.status).code, 0);
  });
}

Deno.test("mini tail -f ends a line that was begun, where the log is replaced by what is none", async () => {
  await using directory = new TestDirectory();
  const path = directory.at();
  {
    await using store = await MiniStore.open<string>(path);
    await store.append("record 1");
  }
  const child = tail(path, "--json");
  let text = "";
  for await (const part of child.stdout.pipeThrough(new TextDecoderStream())) {
    text += part;
    if (!text.endsWith("\n")) await Deno.writeTextFile(path, "no journal\n");
  }
  const [record, begun, error] = text.trimEnd().split("\n")
    .map((line) => JSON.parse(line));
  assertEquals(record, { seq: 1, data: "record 1" });
  assertEquals(begun, { seq: null });
  assertEquals(error.error.code, "UNSUPPORTED_FORMAT");
  assertEquals((await child.status).code, 1);
});
