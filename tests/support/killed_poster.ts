// Run by tests/crash/inbox_test.ts as a process of its own, which is killed.
import { MiniQueue } from "@mini/state/queue";
import { tell } from "./kill.ts";

const life = crypto.randomUUID();
tell("opening");
for (let number = 1;; number++) {
  await MiniQueue.post(Deno.args[0]!, `${life} ${number}`);
  tell(`posted ${life} ${number}`);
}
