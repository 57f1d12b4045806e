// The same on every runtime, with the address of a server: a state and a queue in JetStream. Prints "ok".
import { deepEqual, equal } from "node:assert/strict";
import process from "node:process";
import { connect } from "@nats-io/transport-node";
import {
  connectionOptions,
  jetStream,
  JetStreamQueue,
  jetStreamReader,
} from "@mini/state/jetstream";
import { StateManager, StateView } from "@mini/state/state";

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
await nc.close();
process.stdout.write("ok\n");
