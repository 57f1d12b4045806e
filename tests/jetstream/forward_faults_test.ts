// Logs that are forwarded to servers in memory that lose, delay, repeat and reorder, and answer from an old state.
import { assert, assertEquals } from "@std/assert";
import { forward } from "@mini/state/jetstream";
import type { MiniStore } from "@mini/state/store";
import {
  cutPower,
  MemoryFileSystem,
  type Random,
  randomSeed,
} from "@mini/state/testing";
import { FakeNats, type NatsFaults } from "../support/fake_nats.ts";
import {
  forwardUntil,
  messagesIn,
  opened,
  options,
  seqs,
  upTo,
} from "../support/forwarded.ts";
import { runLives } from "../support/lives.ts";
import { size } from "../support/size.ts";

/** Set SEED to run the same again. */
const seed = Number(Deno.env.get("SEED") ?? randomSeed());

const FAULTS: NatsFaults = {
  lost: 12,
  unanswered: 12,
  late: 12,
  repeated: 20,
  away: 25,
  stale: 8,
};

Deno.test("forward() loses nothing, doubles nothing and keeps the order, whatever gets lost, late or repeated", async () => {
  const many = size(500, 20_000);
  await runLives(live, { seed, many, atOnce: 100 });
});

/** A device that starts, appends, loses its connection and its power, and starts again. */
async function live(random: Random) {
  const nats = new FakeNats();
  const records: unknown[] = [];
  const counts = { records: 0, forwards: 0, told: 0, faults: 0 };
  let fs = new MemoryFileSystem();
  for (let start = 0; start < 1 + random.below(4); start++) {
    const log = await opened(fs, { maxSegmentBytes: 300 });
    // What had not been acknowledged may be there nevertheless.
    for await (const { seq, data } of log.replay()) records[seq - 1] = data;
    // What is not sent stays.
    const sent = Math.max(0, ...seqs(messagesIn(nats)));
    for (const { position } of await log.consumers()) assert(position <= sent);
    // From then on compaction waits for it.
    await (await log.consumer("uplink")).close();
    const stop = new AbortController();
    const forwards = ["uplink", "second"].slice(random.below(2)).map((
      consumer,
    ) =>
      forward(log, nats.connect(random, FAULTS), {
        ...options,
        consumer,
        signal: stop.signal,
        onError: () => counts.told++,
      })
    );
    counts.forwards += forwards.length;
    await append(log, nats, random, records);
    if (random.oneIn(3)) {
      // The power goes while it appends, and sends.
      const appending = append(log, nats, random, []).catch(() => {});
      for (let turn = 0; turn < random.below(30); turn++) await undefined;
      fs = cutPower(fs.snapshot(), random);
      stop.abort();
      await Promise.all([log.close().catch(() => {}), appending]);
    } else if (random.oneIn(2)) await log.close();
    else {
      stop.abort();
      await Promise.all(forwards);
      await log.close();
    }
    await Promise.all(forwards);
  }
  nats.settle();
  await using log = await opened(fs);
  for await (const { seq, data } of log.replay()) records[seq - 1] = data;
  await forwardUntil(log, nats, log.sequence);
  const messages = messagesIn(nats);
  assertEquals(seqs(messages), upTo(log.sequence));
  assertEquals(
    messages.map(({ data }) => data),
    records.slice(0, log.sequence),
  );
  return { ...counts, records: log.sequence, faults: nats.faults };
}

/** Appends, and keeps what was acknowledged. */
async function append(
  log: MiniStore<unknown>,
  nats: FakeNats,
  random: Random,
  records: unknown[],
): Promise<void> {
  for (let more = random.below(12); more > 0; more--) {
    const batch = upTo(1 + random.below(5)).map(() => random.below(1e9));
    const last = await log.appendBatch(batch);
    records.splice(last - batch.length, batch.length, ...batch);
    if (random.oneIn(6)) await log.compact(log.sequence);
    if (random.oneIn(15) && nats.streams.has("S")) {
      nats.publish(`S.${log.id}`, "of somebody else");
    }
    for (let turn = 0; turn < random.below(20); turn++) await undefined;
    if (random.oneIn(4)) await new Promise((resolve) => setTimeout(resolve));
  }
}
