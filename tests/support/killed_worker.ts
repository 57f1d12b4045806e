// Run by tests/crash/queue_kill_test.ts as a process of its own, which is killed.
import { MiniQueue } from "@mini/state/queue";
import { tell } from "./kill.ts";

const CONSUMERS = 4;

tell("opening");
const queue = await MiniQueue.open<string>(Deno.args[0]!, { maxAttempts: 3 });
const consumers = Array.from({ length: CONSUMERS }, async () => {
  for (;;) {
    const message = await queue.receive();
    if (message === undefined) break;
    const { id, payload, attempts } = message;
    tell(`start ${id} ${attempts}`);
    // A job that takes its process with it.
    if (payload === "poison") Deno.kill(Deno.pid, "SIGKILL");
    await message.ack();
    tell(`done ${id}`);
  }
});
await Promise.all(consumers);
await queue.close();
tell("empty");
