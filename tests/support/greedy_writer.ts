// Run by tests/system/limits_test.ts as a process of its own, which may have few files open.
import { type MiniError, MiniStore } from "@mini/state/store";
import { tell } from "./kill.ts";

const path = Deno.args[0]!;
const store = await MiniStore.open<string>(path);
await store.append("a");
// What the runtime sets up on first use is not to need a file later: it would end the process.
await attempt("", () => MiniStore.open(`${path}.other`).then(close));
const ignore = () => {};
Deno.addSignalListener("SIGUSR2", ignore);
Deno.removeSignalListener("SIGUSR2", ignore);

const held: Deno.FsFile[] = [];
try {
  for (;;) held.push(Deno.openSync("/dev/null"));
} catch {
  // There are no more to be had.
}
await attempt("rotate", () => store.rotate());
tell(`append ${await store.append("b")}`);
await attempt("open", () => MiniStore.open(`${path}.other`).then(close));
for (const file of held) file.close();
await attempt("rotate", () => store.rotate());
tell(`append ${await store.append("c")}`);
await attempt("open", () => MiniStore.open(`${path}.other`).then(close));
await store.close();

function close(opened: MiniStore<unknown>): Promise<void> {
  return opened.close();
}

async function attempt(what: string, task: () => Promise<void>): Promise<void> {
  const outcome = await task().then(
    () => "ok",
    (error: MiniError) => error.code,
  );
  if (what !== "") tell(`${what} ${outcome}`);
}
