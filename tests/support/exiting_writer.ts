// Run by tests/system/exit_test.ts as a process of its own: appends, and ends in one of several ways.
import { MiniStore } from "@mini/state/store";
import { tell } from "./kill.ts";

const [path = "", how] = Deno.args;
const store = await MiniStore.open<string>(path, { maxSegmentBytes: 300 });
const append = (data: string) => {
  store.appendSync(data);
  tell(data);
};
for (let index = 0; index < 5; index++) append(`${index} ${"x".repeat(60)}`);
globalThis.addEventListener("unload", () => append("unload"));
globalThis.addEventListener("error", () => append("error"));
globalThis.addEventListener("unhandledrejection", () => append("rejection"));
if (how === "kill") Deno.kill(Deno.pid, "SIGKILL");
if (how === "exit") {
  // Its commit has not begun: the handler takes it along.
  void store.append("waiting");
  Deno.exit(3);
}
const fail = () => {
  throw new Error("uncaught");
};
if (how === "throw") setTimeout(fail);
if (how === "reject") void Promise.resolve().then(fail);
