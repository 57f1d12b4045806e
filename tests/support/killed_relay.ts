// Run by tests/jetstream/relay_test.ts as a process of its own, which is killed.
import { JetStreamQueue, relay } from "@mini/state/jetstream";
import { MiniQueue } from "@mini/state/queue";
import { connect } from "@nats-io/transport-node";
import { tell } from "./kill.ts";

const { servers, name, dir } = JSON.parse(Deno.args[0]!);
tell("opening");
const nc = await connect({ servers });
const to = await JetStreamQueue.open<number>(nc, name, { replicas: 1 });
const from = await MiniQueue.open<number>(dir);
const stop = new AbortController();
const stopIfEmpty = async () => {
  const { ready, inFlight } = await from.stats();
  if (ready + inFlight === 0) stop.abort();
};
const told = (async () => {
  for await (const { type, id } of from.events({ signal: stop.signal })) {
    if (type === "done") tell(`done ${id}`);
    await stopIfEmpty();
  }
})().catch(() => {});
// An earlier one may have moved all of them.
await stopIfEmpty();
await relay(from, to, { signal: stop.signal, concurrency: 4 });
await told;
tell("empty");
await from.close();
await to.close();
await nc.close();
