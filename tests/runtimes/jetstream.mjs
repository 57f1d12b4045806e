// The same on every runtime, with the address of a server: a state, a queue and a log that is forwarded. Prints "ok".
import { deepEqual, equal } from "node:assert/strict";
import process from "node:process";
import { connect } from "@nats-io/transport-node";
import {
  connectionOptions,
  forward,
  jetStream,
  JetStreamQueue,
  jetStreamReader,
} from "@mini/state/jetstream";
import { StateManager, StateView } from "@mini/state/state";
import { MiniStore } from "@mini/state/store";
import { MemoryFileSystem } from "@mini/state/testing";

const [, , servers, name] = process.argv;
const nc = await connect({ ...connectionOptions, servers });
const program = {
  initial: () => ({ sum: 0 }),
  apply: (state, by) => void (state.sum += by),
};
const open = async () =>
  await StateManager.open({
    ...await jetStream(nc, name, { replicas: 1 }),
    ...program,
  });

const state = await open();
await Promise.all(Array.from({ length: 1_000 }, () => state.apply(1)));
await state.createSnapshot();
await state.apply(-1);
await state.createSnapshot();
await state.compact();
await state.apply(10);
await state.close();

const again = await open();
deepEqual(again.state, { sum: 1_009 });
const view = await StateView.open(await jetStreamReader(nc, name), program);
await again.apply(1);
await view.until(again.sequence);
deepEqual(view.state, { sum: 1_010 });
await view.close();
await again.close();

const queue = await JetStreamQueue.open(nc, name, { replicas: 1 });
await queue.enqueue({ to: "a" });
const message = await queue.receive({ waitMs: 10_000 });
deepEqual(message.payload, { to: "a" });
await message.ack();
equal((await queue.stats()).inFlight, 0);
await queue.close();

// The sandbox has no files.
const fs = new MemoryFileSystem();
const log = await MiniStore.open("/readings/journal.jsonl", { fs });
const stream = `${name}_READINGS`;
const arrived = async () => {
  const answer = await nc.request(`$JS.API.STREAM.INFO.${stream}`);
  return answer.json().state?.messages ?? 0; // none before it is made
};
const forwarded = async () => {
  const stop = new AbortController();
  const { signal } = stop;
  const options = { consumer: "uplink", stream, replicas: 1, signal };
  const forwarding = forward(log, nc, options).catch((error) => {
    if (!signal.aborted) throw error;
  });
  while (await arrived() < log.sequence) {
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  stop.abort();
  await forwarding;
};
for (let reading = 1; reading <= 500; reading++) await log.append({ reading });
await forwarded();
await log.append({ reading: 501 });
await forwarded();
equal(await arrived(), 501);
await log.close();
await nc.close();
process.stdout.write("ok\n");
