/** A folder to look at: the state of a shop, and its queue of mails. */
import { MiniQueue } from "@mini/state/queue";
import { StateManager } from "@mini/state/state";
import * as shop from "./shop.ts";

const NAMES = [
  "ada",
  "bob",
  "eve",
  "grace",
  "linus",
  "margaret",
  "ken",
  "mary",
];
const GOODS = ["lamp", "chair", "desk", "clock", "kettle", "shelf", "mirror"];

/** Makes the state of a shop: some segments, three snapshots, a mutation that was aborted. */
export async function makeShop(dir: string): Promise<void> {
  await using manager = await StateManager.open(dir, {
    ...shop,
    maxSegmentBytes: 24_000,
    keepSnapshots: 3,
  });
  let seed = 7;
  const pick = <T>(items: readonly T[]) => {
    seed = seed * 48271 % 2147483647;
    return items[seed % items.length]!;
  };
  for (const [at, good] of GOODS.entries()) {
    await manager.apply({ stock: good, by: 240 + 10 * at });
  }
  for (let order = 1; order <= 900; order++) {
    const by = pick([1, 1, 2, 3]);
    await manager.apply({
      order,
      customer: pick(NAMES),
      item: pick(GOODS),
      by,
    });
    if (order % 50 !== 2) await manager.apply({ ship: order - 1 }).catch(none);
    if (order % 30 === 0) await manager.apply({ stock: pick(GOODS), by: 75 });
    if (order % 290 === 0) await manager.createSnapshot();
  }
}

/** The first order has none before it: that mutation is aborted. */
function none(): void {}

/** Makes a queue of mails: some delivered, some under way, some dead. What is in flight is so until it is closed. */
export async function makeMails(
  dir: string,
): Promise<MiniQueue<Record<string, unknown>>> {
  const queue = await MiniQueue.open<Record<string, unknown>>(dir, {
    maxAttempts: 2,
  });
  for (const [at, name] of NAMES.entries()) {
    await queue.enqueue({ to: `${name}@example.org`, subject: "Your order" }, {
      priority: at % 3 === 0 ? 5 : 0,
    });
  }
  for (let turn = 1; turn <= 5; turn++) await (await queue.receive())?.ack();
  await queue.enqueue({ to: "nobody@example.invalid", subject: "Welcome" }, {
    priority: 9,
  });
  for (const reason of ["connection refused", "550 no such user"]) {
    await (await queue.receive())?.nack({ delayMs: 0, reason });
  }
  await queue.enqueue({ to: "ada@example.org", subject: "Reminder" }, {
    delayMs: 3_600_000,
  });
  for (const part of [1, 2, 3]) {
    await queue.enqueue({ to: "eve@example.org", subject: `Invoice ${part}` }, {
      group: "invoices",
    });
  }
  for (let turn = 1; turn <= 2; turn++) await queue.receive();
  return queue;
}
