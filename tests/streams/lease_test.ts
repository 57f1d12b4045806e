// The lease of a log on JetStream: when it is free, and what becomes of its holder. On servers in memory.
import { assert, assertEquals, assertRejects } from "@std/assert";
import { jetStream } from "@mini/state/jetstream";
import { MiniQueue } from "@mini/state/queue";
import { StateManager } from "@mini/state/state";
import { FakeNats } from "../support/fake_nats.ts";
import { SUM } from "../support/jetstream.ts";
import { errorOf } from "../support/journal.ts";

Deno.test("an opening on JetStream that fails frees the log at once, and stops renewing its lease", async () => {
  const failing: ((owned: never) => Promise<unknown>)[] = [
    (owned) => StateManager.open({ ...SUM, ...owned as object, a: 1 } as never),
    (owned) =>
      StateManager.open({
        ...owned as object,
        ...SUM,
        initial: () => {
          throw new Error("initial");
        },
      } as never),
    (owned) => MiniQueue.open({ ...owned as object, mode: 1 } as never),
  ];
  for (const open of failing) {
    const nats = new FakeNats();
    const owned = await jetStream(nats.connect(), "log", { leaseMs: 4_000 });
    const { log, snapshots } = owned;
    await assertRejects(() => open({ log, snapshots } as never));
    const next = await jetStream(nats.connect(), "log");
    assertEquals(next.epoch > owned.epoch, true);
    await next.log.close();
  }
});

/** The ways in which somebody removes the lease of an owner. */
const REMOVALS: Record<string, (nats: FakeNats) => unknown> = {
  purged: (nats) =>
    nats.connect().request("$JS.API.STREAM.PURGE.MINI_LEASES", "{}"),
  deleted: (nats) => nats.streams.delete("MINI_LEASES"),
};

for (const [what, remove] of Object.entries(REMOVALS)) {
  Deno.test(`an owner on JetStream whose lease was ${what} stays the owner, and another is LOCKED`, async () => {
    const nats = new FakeNats();
    const first = await jetStream(nats.connect(), "log", {
      leaseMs: 2_000,
      holder: "the first",
    });
    await first.log.append(1);
    await remove(nats);
    const error = await errorOf(
      jetStream(nats.connect(), "log", { leaseMs: 8_000 }) as Promise<never>,
    );
    assertEquals(error.code, "LOCKED");
    assert(error.message.includes("the first"), error.message);
    assertEquals(await first.log.append(2), 2);
    await first.log.close();
    const next = await jetStream(nats.connect(), "log");
    assertEquals(next.log.sequence, 2);
    await next.log.close();
  });

  Deno.test(`an owner on JetStream whose lease was ${what}, and taken by another, is DEPOSED also if it writes nothing`, async () => {
    const nats = new FakeNats();
    const options = { whenHeld: "depose" } as const;
    await (await jetStream(nats.connect(), "other")).log.close();
    // It has a larger number than those that a new stream soon has.
    for (let count = 0; count < 20; count++) {
      nats.publish("mini.other.lease", "");
    }
    const first = await jetStream(nats.connect(), "log", { leaseMs: 400 });
    await first.log.append(1);
    await remove(nats);
    const second = await jetStream(nats.connect(), "log", options);
    assertEquals((await first.lost).code, "DEPOSED");
    await first.log.close();
    assertEquals(await second.log.append(2), 2);
    await second.log.close();
  });
}

Deno.test("a log on JetStream that has lost its lease, and has no owner, is taken over after leaseMs", async () => {
  const nats = new FakeNats();
  const first = await jetStream(nats.connect(), "log");
  await first.log.append(1);
  await first.log.close();
  nats.streams.delete("MINI_LEASES");
  const next = await jetStream(nats.connect(), "log", { leaseMs: 40 });
  assertEquals(next.log.sequence, 1);
  await next.log.close();
});

Deno.test("closing a log on JetStream tries again to give its lease back", async () => {
  const nats = new FakeNats();
  const nc = nats.connect();
  const { log } = await jetStream(nc, "log", { leaseMs: 60_000 });
  const { request } = nc;
  let losses = 0;
  nc.request = (...args) => {
    const isLost = args[0].endsWith(".lease") && losses++ < 3;
    return isLost ? Promise.reject(new Error("timeout")) : request(...args);
  };
  await log.close();
  assertEquals(losses, 4);
  // Otherwise it would be LOCKED, or wait.
  const stop = AbortSignal.timeout(30_000);
  const next = await jetStream(nats.connect(), "log", { signal: stop });
  await next.log.close();
});

Deno.test("closing a log on JetStream gives up to free its lease when that has ended by itself, or the connection is closed", async () => {
  for (const isClosed of [false, true]) {
    const nats = new FakeNats();
    const nc = nats.connect();
    const { log } = await jetStream(nc, "log", {
      leaseMs: isClosed ? 60_000 : 80,
    });
    nc.request = () => Promise.reject(new Error("timeout"));
    if (isClosed) await nc.close();
    await log.close();
  }
});

Deno.test("who follows a log on JetStream whose owner is deposed reads what it has acknowledged, then gets DEPOSED", async () => {
  const nats = new FakeNats();
  const first = await jetStream(nats.connect(), "log", { leaseMs: 400 });
  await first.log.append(1);
  const records = first.log.follow()[Symbol.asyncIterator]();
  assertEquals((await records.next()).value!.data, 1);
  const next = records.next() as Promise<unknown>;
  const second = await jetStream(nats.connect(), "log", { whenHeld: "depose" });
  assertEquals((await errorOf(next as Promise<never>)).code, "DEPOSED");
  await first.log.close();
  await second.log.close();
});
