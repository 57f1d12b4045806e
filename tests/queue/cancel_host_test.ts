// Handlers whose delivery is ended by what the owner of the state applies to the ledger.
import {
  type LedgerEntry,
  MiniQueue,
  type QueueMessage,
} from "@mini/state/queue";
import { MemoryFileSystem } from "@mini/state/testing";
import type { MiniError } from "@mini/state/store";
import { assert, assertEquals } from "@std/assert";
import { errorOf } from "../support/journal.ts";
import { turns } from "../support/queue.ts";
import { ABORTED, openShop } from "../support/shop.ts";

const CANCEL = [{ id: 1, reason: "sold out" }];

/** The ways in which others may end a delivery, and how its handler is told, if it is. */
const ENDS: readonly {
  readonly name: string;
  readonly entry: LedgerEntry<string>;
  readonly told?: string;
  readonly next: readonly string[];
}[] = [
  {
    name: "cancels the message",
    entry: { at: 1, v: 2, cancel: CANCEL },
    told: "it was cancelled: sold out",
    next: [],
  },
  {
    name: "purges all messages",
    entry: { at: 1, purge: "all" },
    told: "it was cancelled: purged",
    next: [],
  },
  {
    name: "takes the delivery back",
    entry: { at: 1, expire: [{ id: 1, receipt: 1, as: "retried" }] },
    told: "this delivery is no longer the current one",
    next: [],
  },
  {
    name: "acknowledges the message",
    entry: { at: 1, settle: [{ id: 1, receipt: 1, as: "acked" }] },
    next: ["b"],
  },
];

for (const { name, entry, told, next } of ENDS) {
  Deno.test(`MiniQueue.work() beside one who ${name} in the state of the queue`, async () => {
    await using shop = await openShop();
    const queue = await MiniQueue.attach(shop, "jobs");
    await queue.enqueue("a", { group: "g" });
    await queue.enqueue("b", { group: "g" });
    const handled: string[] = [];
    await queue.work(async (message, { signal }) => {
      handled.push(message.payload);
      if (message.id !== 1 || message.attempts > 1) return;
      await shop.apply({ jobs: entry });
      await turns(500);
      const { reason } = signal;
      assertEquals(signal.aborted, told !== undefined);
      assertEquals((reason as MiniError)?.code, told && "RECEIPT_EXPIRED");
      if (told !== undefined) {
        assert(reason.message.includes(told), reason.message);
      }
      // A group is held while the handler of a message that is gone runs.
      assertEquals(handled, ["a", ...next]);
    }, { concurrency: 2, until: "empty" });
    await queue.close();
  });
}

/** Handles one message, during which `change` is called. Returns whether the handler was told. */
async function isTold(
  change: (
    shop: Awaited<ReturnType<typeof openShop>>,
    ack: () => { readonly jobs: LedgerEntry<string> },
  ) => Promise<unknown>,
  immutable = false,
): Promise<boolean> {
  await using shop = await openShop(new MemoryFileSystem(), { immutable });
  const queue = await MiniQueue.attach(shop, "jobs");
  await queue.enqueue("a");
  let told = false;
  await queue.work(async (message, { signal }) => {
    await change(shop, () => message.ackMutation());
    await turns(500);
    told = signal.aborted;
  }, { until: "empty" });
  await queue.close();
  return told;
}

const cancel = { jobs: { at: 1, v: 2, cancel: CANCEL } };

Deno.test("MiniQueue.work() tells a handler of a cancellation by others though the state is rebuilt, or immutable", async () => {
  assertEquals(await isTold((shop) => shop.apply(cancel), true), true);
  assertEquals(
    await isTold(async (shop, ack) => {
      const aborted = errorOf(shop.applyBatch([ack(), ABORTED]));
      await shop.apply(cancel);
      await aborted;
    }),
    true,
  );
  assertEquals(
    await isTold(async (shop) => {
      const aborted = errorOf(shop.apply(ABORTED));
      await shop.apply(cancel);
      await aborted;
    }),
    true,
  );
});

Deno.test("MiniQueue.work() tells a handler nothing of what it has applied itself, or of what has failed", async () => {
  for (const immutable of [false, true]) {
    assertEquals(
      await isTold((shop, ack) => shop.apply(ack()), immutable),
      false,
    );
    assertEquals(
      await isTold(
        (shop) => errorOf(shop.apply({ ...cancel, fail: true })),
        immutable,
      ),
      false,
    );
  }
});

Deno.test("MiniQueue.work() starts no second handler of a group before that of a message that others cancelled has ended", async () => {
  await using shop = await openShop();
  const queue = await MiniQueue.attach(shop, "jobs");
  await queue.enqueue("a", { group: "g" });
  await queue.enqueue("b", { group: "g" });
  const running: string[] = [];
  await queue.work(async ({ payload }) => {
    running.push(`${payload} starts`);
    if (payload === "a") {
      await shop.apply(cancel);
      await turns(500);
    }
    running.push(`${payload} ends`);
  }, { concurrency: 2, until: "empty" });
  assertEquals(running, ["a starts", "a ends", "b starts", "b ends"]);
  await queue.close();
});

Deno.test("MiniQueue.cancel() that comes after a cancellation by others is finished, and the handler is told", async () => {
  await using shop = await openShop();
  const queue = await MiniQueue.attach(shop, "jobs");
  await queue.enqueue("a");
  await queue.work(async (_, { signal }) => {
    const others = shop.apply(cancel);
    assertEquals(await queue.cancel(1, "late"), "finished");
    assertEquals((signal.reason as MiniError).cause, "sold out");
    await others;
  }, { until: "empty" });
  await queue.close();
});

Deno.test("MiniQueue.receive() at any time gets no message of a group while the handler of one that others cancelled runs", async () => {
  for (let turn = 0; turn < 30; turn++) {
    await using shop = await openShop();
    const queue = await MiniQueue.attach(shop, "jobs");
    await queue.enqueue("a", { group: "g" });
    await queue.enqueue("b", { group: "g" });
    let received: QueueMessage<string> | undefined;
    await queue.work(async ({ payload }) => {
      if (payload === "b") return;
      const cancelling = shop.apply(cancel);
      await turns(turn);
      received = await queue.receive() as QueueMessage<string> | undefined;
      await received?.ack();
      await cancelling;
    }, { until: "empty" });
    assertEquals(received?.payload, undefined, `turn ${turn}`);
    await queue.close();
  }
});

Deno.test("MiniQueue.work() gives up a handler that continues with a delivery that others have ended", async () => {
  await using shop = await openShop();
  const errors: unknown[] = [];
  const onError = (error: unknown) => errors.push(error);
  const queue = await MiniQueue.attach(shop, "jobs", { onError });
  await queue.enqueue("a");
  const end = Promise.withResolvers<void>();
  const expire = [{ id: 1, receipt: 1, as: "retried" }] as const;
  await queue.work(async ({ attempts }) => {
    if (attempts > 1) return;
    await shop.apply({ jobs: { at: 1, expire } });
    await end.promise;
  }, { until: "empty", stopTimeoutMs: 0 });
  assertEquals(errors.length, 1);
  end.resolve();
  await queue.close();
});
