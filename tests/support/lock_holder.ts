// Run by tests/system/lock_test.ts as a process of its own: holds a log open, and does as it is told, a line each.
import { TextLineStream } from "@std/streams/text-line-stream";
import { type MiniError, MiniStore } from "@mini/state/store";
import { tell } from "./kill.ts";

const store = await MiniStore.open<string>(Deno.args[0]!);
tell("open");
const lines: ReadableStream<string> = Deno.stdin.readable
  .pipeThrough(new TextDecoderStream())
  .pipeThrough(new TextLineStream());
for await (const data of lines) {
  const outcome = await store.append(data).then(
    String,
    (error: MiniError) => error.code,
  );
  tell(outcome);
}
await store.close();
