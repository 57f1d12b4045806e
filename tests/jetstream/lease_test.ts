// The lease of a log on JetStream: when it is free, and what becomes of its holder. On servers in memory.
import { assertEquals, assertRejects } from "@std/assert";
import { jetStream } from "@mini/state/jetstream";
import { MiniQueue } from "@mini/state/queue";
import { StateManager } from "@mini/state/state";
import { FakeNats } from "../support/fake_nats.ts";
import { SUM } from "../support/jetstream.ts";

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
