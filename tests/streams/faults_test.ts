// The log on servers in memory that lose, delay, repeat and reorder, and answer from an old state.
import { assert, assertArrayIncludes, assertEquals } from "@std/assert";
import { delay } from "@std/async/delay";
import { jetStream, jetStreamReader } from "@mini/state/jetstream";
import { logSuite, Random, randomSeed, runSuite } from "@mini/state/testing";
import type { Log, LogRecord } from "@mini/state/store";
import type { NatsConnection } from "@nats-io/nats-core";
import { FakeNats } from "../support/fake_nats.ts";
import { errorOf } from "../support/journal.ts";
import { runLives } from "../support/lives.ts";
import { size } from "../support/size.ts";

/** Set SEED to run the same again. */
const seed = Number(Deno.env.get("SEED") ?? randomSeed());

const FAULTS = {
  lost: 12,
  unanswered: 12,
  late: 12,
  repeated: 20,
  away: 25,
  refused: 25,
  stale: 8,
};

/** The same, and a stream that is full at times. */
const WORSE = { ...FAULTS, full: 25 };

/** A record that was appended, and what came of it. */
interface Appended {
  readonly record: string;
  readonly seq: number | undefined;
  readonly code: string | undefined;
}

Deno.test("a log on JetStream keeps the rules of a log where nothing goes wrong, and where answers are lost", async () => {
  for (const faults of [{}, FAULTS]) {
    const suite = logSuite(() => fixture(faults));
    const report = await runSuite(suite);
    assertEquals(report.failures, [], `seed ${seed}`);
    assert(report.passed.length > 25, report.skipped.join());
  }
});

/** A log whose connections fail. */
function fixture(faults: typeof FAULTS | Record<string, never>) {
  const nats = new FakeNats();
  const random = new Random(seed);
  const options = { acceptLoss: true, leaseMs: 60_000 };
  let breaks = false;
  let current: NatsConnection | undefined;
  const open = async (
    nc: NatsConnection,
    more: { whenHeld?: "depose" } = {},
  ) => (await jetStream(nc, "log", { ...options, ...more })).log;
  return {
    open: async () => {
      breaks = false;
      const nc = current = nats.connect(random, faults);
      const { request } = nc;
      nc.request = (...args) => {
        const isDead = breaks && args[0].endsWith(".log");
        return isDead ? Promise.reject(new Error("timeout")) : request(...args);
      };
      return await open(nc, { whenHeld: "depose" });
    },
    poison: async () => {
      breaks = true;
      await current!.close();
    },
    depose: async () => {
      await (await open(nats.connect(), { whenHeld: "depose" })).close();
    },
  };
}

Deno.test("a log on JetStream loses nothing that it has acknowledged, and doubles nothing, whatever gets lost, late or repeated", async () => {
  const many = size(2_000, 20_000);
  await runLives(live, { seed, many, atOnce: 1_000 });
});

/** Several owners, one after another, each of which may not know yet that it is none any more. */
async function live(random: Random) {
  const nats = new FakeNats();
  const appended: Appended[] = [];
  const owners: Promise<unknown>[] = [];
  for (let owner = 1; owner <= 1 + random.below(3); owner++) {
    const opened = await jetStream(nats.connect(random, WORSE), "log", {
      whenHeld: "depose",
      leaseMs: 60_000,
      doubtMs: random.oneIn(4) ? 50 : 2_000,
    }).catch((error) => {
      // A server that was behind for all of that time looks like one that has lost something.
      assertArrayIncludes(["UNAVAILABLE", "CORRUPT"], [error.code]);
      return undefined;
    });
    if (opened === undefined) continue;
    const writing = write(opened.log, owner, nats, random, appended);
    // The next may begin while this one writes.
    owners.push(writing);
    if (random.oneIn(2)) await writing;
    else for (let turn = 0; turn < random.below(50); turn++) await undefined;
  }
  await Promise.all(owners);
  nats.settle();
  const kept = await jetStream(nats.connect(), "log", { whenHeld: "depose" });
  const records = await Array.fromAsync(kept.log.replay());
  await kept.log.close();
  if (random.oneIn(2)) {
    await readBeside(nats.connect(random, FAULTS), records);
  }
  return judge(appended, records.map(({ data }) => data), nats);
}

/** Reads all of it, and from somewhere on, by a connection that fails. */
async function readBeside(
  nc: NatsConnection,
  records: readonly LogRecord<unknown>[],
): Promise<void> {
  if (records.length === 0) return;
  const { log } = await jetStreamReader<unknown>(nc, "log");
  const from = 1 + records.length >> 1;
  assertEquals(await Array.fromAsync(log.replay()), records);
  const rest = records.slice(from - 1).values();
  for await (const record of log.follow!({ from })) {
    assertEquals(record, rest.next().value);
    if (record.seq === records.length) break;
  }
  await log.close!();
}

async function write(
  log: Log<unknown>,
  owner: number,
  nats: FakeNats,
  random: Random,
  appended: Appended[],
): Promise<void> {
  const waiting: Promise<void>[] = [];
  for (let number = 0; number < 3 + random.below(20); number++) {
    if (random.oneIn(15)) nats.publish("mini.log.log", "a stray");
    const record = `${owner}.${number}`;
    const done = log.append(record).then(
      (seq) => void appended.push({ record, seq, code: undefined }),
      ({ code }) => void appended.push({ record, seq: undefined, code }),
    );
    waiting.push(done);
    if (random.oneIn(2)) await done;
  }
  await Promise.all(waiting);
  await log.close();
}

/** Compares what is there with what was told. */
function judge(
  appended: readonly Appended[],
  kept: readonly unknown[],
  nats: FakeNats,
) {
  const counts = { acknowledged: 0, refused: 0, inDoubt: 0 };
  assertEquals(new Set(kept).size, kept.length, "each is there once");
  for (const { record, seq, code } of appended) {
    if (seq !== undefined) {
      assertEquals(kept[seq - 1], record, `${record} was acknowledged`);
      counts.acknowledged++;
    } else if (code === "POISONED") counts.inDoubt++;
    else {
      assertArrayIncludes(["DEPOSED", "NO_SPACE"], [code]);
      assertEquals(kept.includes(record), false, `${record} was refused`);
      counts.refused++;
    }
  }
  return { ...counts, faults: nats.faults };
}

Deno.test("a log on JetStream is not deposed by the beginning of an earlier owner that comes late", async () => {
  const nats = new FakeNats();
  const slow = nats.connect();
  const { request } = slow;
  const fenced = Promise.withResolvers<void>();
  const goOn = Promise.withResolvers<void>();
  slow.request = async (...args) => {
    if (args[0] === "mini.log.log") {
      fenced.resolve();
      await goOn.promise;
    }
    return await request(...args);
  };
  const earlier = jetStream(slow, "log");
  await fenced.promise;
  const { log } = await jetStream(nats.connect(), "log", {
    whenHeld: "depose",
  });
  await log.append("before");
  goOn.resolve();
  const late = await earlier;
  assertEquals(await log.append("after"), 2);
  const refused = late.log.append("too late") as Promise<never>;
  assertEquals((await errorOf(refused)).code, "DEPOSED");
  const records = await Array.fromAsync(log.replay(), ({ data }) => data);
  assertEquals(records, ["before", "after"]);
  await late.log.close();
  await log.close();
});

Deno.test("jetStream() that waits for the lease waits on where another was quicker, however long it has waited", async () => {
  const nats = new FakeNats();
  const patient = { whenHeld: "wait", doubtMs: 300, leaseMs: 2_000 } as const;
  const first = await jetStream(nats.connect(), "log", { leaseMs: 2_000 });
  const nc = nats.connect();
  const { request } = nc;
  const looks = Promise.withResolvers<void>();
  let lookCount = 0;
  let quicker: ReturnType<typeof jetStream> | undefined;
  nc.request = async (...args) => {
    if (args[0].includes("MSG.GET.MINI_LEASES") && ++lookCount === 4) {
      looks.resolve();
    }
    if (args[0] === "mini.log.lease" && quicker === undefined) {
      quicker = jetStream(nats.connect(), "log", { whenHeld: "depose" });
      await quicker;
    }
    return await request(...args);
  };
  const waiting = jetStream(nc, "log", patient);
  // It has waited for longer than one operation may take.
  await looks.promise;
  await first.log.close();
  while (quicker === undefined) await delay(1);
  await (await quicker).log.close();
  const last = await waiting;
  assertEquals(last.epoch > (await quicker).epoch, true);
  await last.log.close();
});

Deno.test("jetStream() is UNAVAILABLE while nobody answers, and has written nothing", async () => {
  const nats = new FakeNats();
  const nc = nats.connect(new Random(seed), { away: 1 });
  const opening = jetStream(nc, "log", { doubtMs: 20 });
  assertEquals((await errorOf(opening as Promise<never>)).code, "UNAVAILABLE");
  assertEquals(nats.streams.size, 0);
});
