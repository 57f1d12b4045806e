// Run by tests/jetstream/forward_kill_test.ts as a process of its own, which is killed: a device that appends, and forwards when it can.
import { dirname, join } from "@std/path";
import { connect } from "@nats-io/transport-node";
import { forward } from "@mini/state/jetstream";
import { MiniStore } from "@mini/state/store";
import { tell } from "./kill.ts";

const path = Deno.args[0]!;

tell("opening");
const log = await MiniStore.open<string>(path, { maxSegmentBytes: 20_000 });
const append = async () => {
  for (let turn = 0;; turn++) {
    const data = `${Deno.pid} ${turn} ${"x".repeat(turn % 100)}`;
    tell(`${await log.append(data)} ${data}`);
    if (turn % 50 === 49) await log.compact(log.sequence);
  }
};
const send = async () => {
  const servers = await Deno.readTextFile(join(dirname(path), "server"));
  const nc = await connect({
    servers,
    waitOnFirstConnect: true,
    maxReconnectAttempts: -1,
    reconnectTimeWait: 50,
    timeout: 1_000,
  });
  await forward(log, nc, {
    consumer: "uplink",
    stream: "S",
    replicas: 1,
    requestTimeoutMs: 500,
    backoff: (failures) => Math.min(20 * failures, 200),
  });
};
await Promise.all([append(), send()]);
