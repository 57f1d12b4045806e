// An owner of a log on JetStream, as a process: `NAME SERVER…`. Says how many mutations were acknowledged, and how it ends.
import { connect } from "@nats-io/transport-node";
import type { MiniError } from "@mini/state/state";
import { connectionOptions } from "@mini/state/jetstream";
import { openSum } from "./jetstream.ts";

const [name, ...servers] = Deno.args;
const nc = await connect({ servers, ...connectionOptions });
const sum = await openSum(nc, name!, {
  leaseMs: 1_000,
  requestTimeoutMs: 1_000,
});
const tell = (line: string) =>
  Deno.stdout.writeSync(new TextEncoder().encode(`${line}\n`));
try {
  for (let count = 1;; count++) {
    await sum.apply(1);
    tell(`${count}`);
  }
} catch (error) {
  tell(`${(error as MiniError).code} ${isHidden() ? "hidden" : "shown"}`);
}
await sum.close();
await nc.close();

function isHidden(): boolean {
  try {
    return sum.state === undefined;
  } catch {
    return true;
  }
}
