// Run by tests/crash/inbox_test.ts as a process of its own, which is killed.
import { MiniQueue } from "@mini/state/queue";
import { tell } from "./kill.ts";

tell("opening");
const queue = await MiniQueue.open<string>(Deno.args[0]!, { inbox: true });
for (let look = 1;; look++) {
  const { ready } = await queue.stats();
  tell(`look ${look} ${ready}`);
  if (look % 20 === 0) await queue.compact();
}
