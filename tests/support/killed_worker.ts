// Run by tests/crash/queue_kill_test.ts as a process of its own, which is killed.
import { MiniQueue, type QueueMessage } from "@mini/state/queue";
import { tell } from "./kill.ts";
import { grid } from "./schedule.ts";

const CONSUMERS = 4;
const EVERY_MS = 200;

tell("opening");
const queue = await MiniQueue.open<string, string>(Deno.args[0]!, {
  maxAttempts: 3,
  keepFinished: { count: 1_000_000 },
  schedules: {
    tick: {
      when: grid(EVERY_MS),
      payload: "tick",
      missed: "all",
      overlap: "allow",
    },
  },
});
const consumers = Array.from({ length: CONSUMERS }, async () => {
  for (;;) {
    const message = await queue.receive();
    if (message === undefined) break;
    if (message.scheduledFor === undefined) await work(message);
    else await message.ack();
  }
});
await Promise.all(consumers);
await queue.close();
tell("empty");

async function work(message: QueueMessage<string, string>): Promise<void> {
  const { id, payload, attempts } = message;
  tell(`start ${id} ${attempts}`);
  // A job that takes its process with it.
  if (payload === "poison") Deno.kill(Deno.pid, "SIGKILL");
  if (payload === "unwanted") {
    const result = await queue.cancel(id, "no longer wanted");
    if (result === "cancelled" || result === "stopping") {
      tell(`cancelled ${id}`);
    }
  } else {
    await message.ack(`result ${id}`);
    tell(`done ${id}`);
  }
}
