/** A log in JetStream as one caller leaves it: each record in a message of its own. */
import { headers, type NatsConnection } from "@nats-io/nats-core";
import { jetStream, type JetStreamOptions } from "@mini/state/jetstream";
import { commitHeaders } from "../jetstream/log/message.ts";
import { record } from "./record.ts";

/** How many messages are under way at the same time. */
const AT_ONCE = 1_000;

/** Writes records as mutations of a state. A caller who waits for each would take minutes. */
export async function fillAsOne(
  nc: NatsConnection,
  name: string,
  count: number,
  options: JetStreamOptions<unknown>,
): Promise<void> {
  const { log, epoch } = await jetStream(nc, name, options);
  await log.close();
  const write = async (first: number) => {
    const text = JSON.stringify([{ apply: record(first) }]);
    const body = new TextEncoder().encode(text);
    const commit = { first, count: 1, epoch, id: `${epoch}.${first}` };
    const all = headers();
    for (const [name, value] of Object.entries(commitHeaders(commit, body))) {
      all.set(name, value);
    }
    // Each has its place, whatever becomes of the one before it.
    all.set("Nats-Expected-Last-Sequence", `${epoch + first - 1}`);
    const sent = { headers: all, timeout: 30_000 };
    const answer = await nc.request(`mini.${name}.log`, body, sent);
    const { error } = answer.json<{ error?: unknown }>();
    if (error !== undefined) throw new Error(JSON.stringify(error));
  };
  for (let first = 1; first <= count; first += AT_ONCE) {
    const some = Array.from({ length: AT_ONCE }, (_, at) => write(first + at));
    await Promise.all(some);
  }
}
