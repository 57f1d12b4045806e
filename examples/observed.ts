// deno run --allow-net=127.0.0.1 --allow-read=./shop --allow-write=./shop examples/observed.ts ./shop 8000
/**
 * A shop that can be watched. An order and the mail about it are one record, and
 * one trace: the request, its change, its message, and the handler that sends the
 * mail, in whichever process that happens.
 *
 *     POST /orders    takes an order: the body is an item
 *     GET  /orders    the orders, and whether their mails were sent
 *     GET  /healthz   200 while it is well or degraded, else 503, and why
 *     GET  /metrics   as Prometheus reads them
 *
 * With `OTEL_DENO=true` and `OTEL_EXPORTER_OTLP_ENDPOINT` in the environment, Deno
 * exports the traces, and every minute the metrics. SIGTERM lets what is under way finish.
 */
import { metrics, trace } from "@opentelemetry/api";
import { instrument } from "@mini/state/otel";
import { PROMETHEUS_TYPE, toPrometheus } from "@mini/state/prometheus";
import {
  applyToLedger,
  emptyLedger,
  type Ledger,
  type LedgerEntry,
  MiniQueue,
} from "@mini/state/queue";
import { batch, StateManager } from "@mini/state/state";

interface Order {
  readonly item: string;
  readonly isSent: boolean;
}

interface Mail {
  readonly order: number;
}

interface Shop {
  readonly orders: readonly Order[];
  readonly mails: Ledger<Mail>;
}

type Mutation =
  | { readonly item: string }
  | { readonly sent: number }
  | { readonly mails: LedgerEntry<Mail> };

const [dir = "./shop", port = "8000"] = Deno.args;

using _ = instrument({
  tracer: trace.getTracer("shop"),
  meter: metrics.getMeter("shop"),
  onError: (error) => say(`OpenTelemetry: ${error}`),
});
await using shop = await StateManager.open<Shop, Mutation>(dir, {
  initial: () => ({ orders: [], mails: emptyLedger<Mail>() }),
  apply: (state, mutation) => {
    if ("mails" in mutation) {
      applyToLedger(state.mails, mutation.mails);
      return state;
    }
    return { ...state, orders: change(state.orders, mutation) };
  },
});
await using mails = await MiniQueue.attach(shop, "mails");

const stop = new AbortController();
const sending = mails.work(async (message) => {
  // Here a mail would be sent.
  const { order } = message.payload;
  await shop.applyBatch([{ sent: order }, message.ackMutation()]);
}, { signal: stop.signal });
const server = Deno.serve({
  hostname: "127.0.0.1",
  port: Number(port),
  onListen: ({ port }) => say(`listening on http://127.0.0.1:${port}`),
}, answer);
Deno.addSignalListener("SIGTERM", end);
await server.finished;
await sending;

function change(
  orders: readonly Order[],
  mutation: Exclude<Mutation, { mails: unknown }>,
): readonly Order[] {
  return "item" in mutation
    ? [...orders, { item: mutation.item, isSent: false }]
    : orders.with(mutation.sent, {
      ...orders[mutation.sent]!,
      isSent: true,
    });
}

async function answer(request: Request): Promise<Response> {
  const { pathname } = new URL(request.url);
  switch (`${request.method} ${pathname}`) {
    case "POST /orders":
      return await take(await request.text());
    case "GET /orders":
      return Response.json(shop.state.orders);
    case "GET /healthz":
      return await health();
    case "GET /metrics":
      return new Response(
        toPrometheus({ shop: shop.metrics(), mails: await mails.metrics() }),
        { headers: { "content-type": PROMETHEUS_TYPE } },
      );
  }
  return new Response("there is no such thing", { status: 404 });
}

/** Takes an order, and enqueues its mail, in one record. */
async function take(item: string): Promise<Response> {
  await shop.transact(({ orders }) =>
    batch<Mutation>([{ item }, mails.enqueueMutation({ order: orders.length })])
  );
  return new Response(null, { status: 202 });
}

/** How the shop and its queue are. */
async function health(): Promise<Response> {
  const found = {
    shop: await shop.health(),
    mails: await mails.health(),
  };
  const hasFailed = Object.values(found)
    .some(({ status }) => status === "failed");
  return Response.json(found, { status: hasFailed ? 503 : 200 });
}

async function end(): Promise<void> {
  stop.abort();
  await server.shutdown();
}

function say(line: string): void {
  // deno-lint-ignore no-console -- it is a command
  console.log(line);
}
