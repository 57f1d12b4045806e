/**
 * A shop that is traced: `traced.ts DIR send` takes an order and posts a mail,
 * each in a request, and waits to be killed; `traced.ts DIR work` handles what
 * is left, and ends.
 */
import process from "node:process";
import { metrics, trace } from "@opentelemetry/api";
import { instrument } from "@mini/state/otel";
import {
  applyToLedger,
  emptyLedger,
  type Ledger,
  type LedgerEntry,
  MiniQueue,
} from "@mini/state/queue";
import { StateManager } from "@mini/state/state";

interface Shop {
  readonly orders: string[];
  readonly mails: Ledger<string>;
}

type Mutation =
  | { readonly order: string }
  | { readonly mails: LedgerEntry<string> };

const [dir, mode] = process.argv.slice(2);
const tracer = trace.getTracer("shop");
using _ = instrument({ tracer, meter: metrics.getMeter("shop") });
const shop = await StateManager.open<Shop, Mutation>(`${dir}/shop`, {
  initial: () => ({ orders: [], mails: emptyLedger<string>() }),
  apply: (state, mutation) => {
    if ("mails" in mutation) applyToLedger(state.mails, mutation.mails);
    else state.orders.push(mutation.order);
  },
});
const mails = await MiniQueue.attach(shop, "mails");
const jobs = await MiniQueue.open<string>(`${dir}/jobs`);

async function traced(name: string, run: () => Promise<unknown>) {
  await tracer.startActiveSpan(name, async (span) => {
    await run();
    span.end();
  });
}

if (mode === "send") {
  await traced(
    "order",
    () => shop.applyBatch([{ order: "nut" }, mails.enqueueMutation("sent")]),
  );
  await traced("post", () => jobs.enqueue("count"));
  // Until it is killed.
  setInterval(() => {}, 60_000);
} else {
  const handle = (name: string) => () =>
    traced(name, () => shop.apply({ order: name }));
  await mails.work(handle("mail"), { until: "empty" });
  await jobs.work(handle("count"), { until: "empty" });
  await jobs.close();
  await mails.close();
  await shop.close();
}
