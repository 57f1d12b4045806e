// Cancellations in a state of one's own: whatever stands first in its log has won.
import { MiniQueue } from "@mini/state/queue";
import { MemoryFileSystem } from "@mini/state/testing";
import { assertEquals } from "@std/assert";
import { errorOf } from "../support/journal.ts";
import { drain } from "../support/queue.ts";
import { ABORTED, openShop, withoutPast } from "../support/shop.ts";

async function open(immutable = false) {
  const shop = await openShop(new MemoryFileSystem(), { immutable });
  const outbox = await MiniQueue.attach(shop, "jobs");
  await outbox.enqueueBatch([{ payload: "a" }, { payload: "b" }]);
  return { shop, outbox };
}

Deno.test("MiniQueue.cancel(): an ackMutation that stands before it has won", async () => {
  const { shop, outbox } = await open();
  await using _ = shop;
  const message = await outbox.receive();
  const acking = shop.apply(message!.ackMutation());
  assertEquals(await outbox.cancel(1), "finished");
  await acking;
});

Deno.test("MiniQueue.cancel() that stands before an ackMutation has won", async () => {
  const { shop, outbox } = await open();
  await using _ = shop;
  const message = await outbox.receive();
  const mutation = message!.ackMutation();
  const cancelling = outbox.cancel(1);
  assertEquals(
    await errorOf(Promise.resolve().then(() => message!.ackMutation()))
      .then(({ code }) => code),
    "RECEIPT_EXPIRED",
  );
  assertEquals(await cancelling, "cancelled");
  const { code, cause } = await errorOf(shop.apply(mutation));
  assertEquals(code, "ABORTED_MUTATION");
  assertEquals((cause as { code: string }).code, "RECEIPT_EXPIRED");
  assertEquals(await drain(outbox), ["b"]);
});

Deno.test("MiniQueue.cancel() knows what it did although the state was rebuilt before it", async () => {
  const { shop, outbox } = await open();
  await using _ = shop;
  const message = await outbox.receive();
  const failing = errorOf(
    shop.applyBatch([message!.ackMutation(), ABORTED]),
  );
  assertEquals(await outbox.cancel(1), "cancelled");
  assertEquals((await failing).code, "ABORTED_MUTATION");
});

Deno.test("MiniQueue.cancel() knows beside a rebuilt state what has ended before it, where that is kept", async () => {
  const { shop, outbox } = await open();
  await using _ = shop;
  const policy = { finished: { count: 9 } };
  await shop.apply({ jobs: { at: 0, v: 2, policy } });
  const message = await outbox.receive();
  const acking = shop.apply(message!.ackMutation());
  const failing = [shop.apply(ABORTED), shop.apply(ABORTED)].map(errorOf);
  const cancelling = [outbox.cancel(1), outbox.cancel(2)];
  assertEquals(await Promise.all(cancelling), ["finished", "cancelled"]);
  await acking;
  for (const error of await Promise.all(failing)) {
    assertEquals(error.code, "ABORTED_MUTATION");
  }
});

Deno.test("MiniQueue.cancel() says of what is kept that it is finished", async () => {
  const { shop, outbox } = await open();
  await using _ = shop;
  const policy = { finished: { count: 1 } };
  await shop.apply({ jobs: { at: 0, v: 2, policy } });
  await (await outbox.receive())!.ack();
  assertEquals(await outbox.cancel(1), "finished");
  assertEquals(await outbox.cancel(2), "cancelled");
  assertEquals(await outbox.cancel(2), "finished");
  assertEquals(await outbox.cancel(1), "unknown");
});

for (const immutable of [false, true]) {
  const state = immutable ? "an immutable state" : "a state that is rebuilt";
  Deno.test(`MiniQueue.cancel() knows in ${state} what stands before it, though nothing is kept`, async () => {
    const { shop, outbox } = await open(immutable);
    await using _ = shop;
    const message = await outbox.receive();
    const failing = errorOf(shop.apply(ABORTED));
    const acking = shop.apply(message!.ackMutation());
    const cancelling = [outbox.cancel(1), outbox.cancel(2)];
    assertEquals(await Promise.all(cancelling), ["finished", "cancelled"]);
    await acking;
    assertEquals((await failing).code, "ABORTED_MUTATION");
  });

  Deno.test(`MiniQueue.update() and progress know in ${state} what stands before them`, async () => {
    const { shop, outbox } = await open(immutable);
    await using _ = shop;
    const told: unknown[] = [];
    await outbox.work(async (message, { progress }) => {
      if (message.id !== 1) return;
      const failing = errorOf(shop.apply(ABORTED));
      const cancelling = shop.apply({
        jobs: { at: 1, v: 2, cancel: [{ id: 2 }] },
      });
      const updating = outbox.update(2, { payload: "B" });
      await progress(5, { durable: true });
      const late = [
        shop.apply(message.ackMutation()),
        errorOf(progress(9, { durable: true })),
      ] as const;
      told.push(await updating, (await late[1]).code);
      await Promise.all([cancelling, late[0], failing]);
    }, { until: "empty" });
    assertEquals(told, [false, "RECEIPT_EXPIRED"]);
  });
}

Deno.test("MiniQueue.cancel() guesses what stands before it where the state gives no past", async () => {
  const unreadable = () => Promise.reject(new Error("it cannot be read"));
  for (const past of [undefined, unreadable]) {
    await using shop = await openShop();
    const outbox = await MiniQueue.attach(withoutPast(shop, past), "jobs");
    await outbox.enqueueBatch([{ payload: "a" }, { payload: "b" }]);
    const message = await outbox.receive();
    const failing = errorOf(shop.apply(ABORTED));
    const acking = shop.apply(message!.ackMutation());
    assertEquals(await outbox.cancel(1), "cancelled");
    await Promise.all([acking, failing]);
    assertEquals(await drain(outbox), ["b"]);
  }
});
