// What others have removed from a log, on servers in memory: by hand, by compaction, and where a loss was accepted.
import { assertEquals } from "@std/assert";
import {
  jetStream,
  type JetStreamOptions,
  jetStreamReader,
  type JetStreamState,
} from "@mini/state/jetstream";
import type { NatsConnection } from "@nats-io/nats-core";
import { FakeNats } from "../support/fake_nats.ts";
import { errorOf } from "../support/journal.ts";

async function owner(
  nc: NatsConnection,
  options: JetStreamOptions<unknown> = {},
): Promise<JetStreamState<unknown>> {
  return await jetStream(nc, "log", { whenHeld: "depose", ...options });
}

async function append(
  { log }: JetStreamState<unknown>,
  count: number,
): Promise<void> {
  for (let number = 0; number < count; number++) await log.append(number);
}

Deno.test("a log on JetStream of which somebody has removed everything is CORRUPT, unless the loss is accepted", async () => {
  const nats = new FakeNats();
  const nc = nats.connect();
  const first = await owner(nc);
  await append(first, 3);
  await first.log.close();
  await nc.request("$JS.API.STREAM.PURGE.MINI_log", "{}");
  const viewed = jetStreamReader(nc, "log") as Promise<unknown>;
  assertEquals((await errorOf(viewed as Promise<never>)).code, "CORRUPT");
  const opened = owner(nc) as Promise<unknown>;
  assertEquals((await errorOf(opened as Promise<never>)).code, "CORRUPT");
  const { log } = await owner(nc, { acceptLoss: true });
  assertEquals(log.sequence, 0);
  await log.append(1);
  assertEquals((await jetStreamReader(nc, "log")).log.sequence, 1);
  await log.close();
});

Deno.test("a log on JetStream is DEPOSED also where the next owner has compacted what it wrote first", async () => {
  const nats = new FakeNats();
  const first = await owner(nats.connect());
  await append(first, 2);
  const second = await owner(nats.connect());
  await append(second, 3);
  await second.log.compact(5);
  const late = first.log.append("late") as Promise<unknown>;
  assertEquals((await errorOf(late as Promise<never>)).code, "DEPOSED");
  await first.log.close();
  await second.log.close();
});

Deno.test("who follows a log on JetStream beyond which a loss was accepted is told that records are gone: COMPACTED", async () => {
  const nats = new FakeNats();
  const first = await owner(nats.connect(), { acceptLoss: true });
  await append(first, 2);
  const { log } = await jetStreamReader<unknown>(nats.connect(), "log");
  const records = log.follow!()[Symbol.asyncIterator]();
  for (const seq of [1, 2]) {
    assertEquals((await records.next()).value!.seq, seq);
  }
  await first.log.resetTo!(10);
  const next = records.next() as Promise<unknown>;
  assertEquals((await errorOf(next as Promise<never>)).code, "COMPACTED");
  await first.log.close();
  await log.close!();
});
