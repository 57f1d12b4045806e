// Run by tests/jetstream/queue_worker_kill_test.ts as a process of its own, which is killed.
import { JetStreamQueue } from "@mini/state/jetstream";
import { connect } from "@nats-io/transport-node";
import { tell } from "./kill.ts";

const { servers, name } = JSON.parse(Deno.args[0]!);
tell("opening");
const nc = await connect({ servers });
const queue = await JetStreamQueue.open<string>(nc, name, {
  maxAttempts: 3,
  replicas: 1,
});
await Promise.all(Array.from({ length: 4 }, async () => {
  for (;;) {
    const message = await queue.receive({ waitMs: 1_000 });
    if (message === undefined) break;
    const { id, payload, attempts } = message;
    tell(`start ${id} ${attempts}`);
    // A job that takes its process with it.
    if (payload === "poison") Deno.kill(Deno.pid, "SIGKILL");
    await message.ack();
    tell(`done ${id}`);
  }
}));
await queue.close();
await nc.close();
