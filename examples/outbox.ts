// deno run --allow-read=./shop --allow-write=./shop examples/outbox.ts ./shop 100
/**
 * An outbox that cannot lose or invent a message. A request comes in by one
 * queue; taking the order, sending its confirmation by another queue, and
 * acknowledging the request are one record of one log: after a crash at any
 * moment all three have happened, or none.
 */
import { join } from "@std/path";
import {
  applyToLedger,
  emptyLedger,
  type Ledger,
  type LedgerEntry,
  MiniQueue,
} from "@mini/state/queue";
import { batch, StateManager } from "@mini/state/state";
import { MiniStore } from "@mini/state/store";

/** An order of a customer. */
interface Request {
  readonly item: string;
}

/** A mail to a customer. */
interface Mail {
  readonly order: number;
  readonly text: string;
}

interface Shop {
  readonly orders: string[];
  readonly requests: Ledger<Request>;
  readonly mails: Ledger<Mail>;
}

type Mutation =
  | { readonly order: string }
  | { readonly requests: LedgerEntry<Request> }
  | { readonly mails: LedgerEntry<Mail> };

const [dir = "./shop", count = "100"] = Deno.args;

await using shop = await StateManager.open<Shop, Mutation>(dir, {
  initial: () => ({
    orders: [],
    requests: emptyLedger<Request>(),
    mails: emptyLedger<Mail>(),
  }),
  apply: (state, mutation) => {
    if ("requests" in mutation) {
      applyToLedger(state.requests, mutation.requests);
    } else if ("mails" in mutation) applyToLedger(state.mails, mutation.mails);
    else state.orders.push(mutation.order);
  },
  snapshotEvery: 500,
  retain: { records: 0 },
});
const requests = await MiniQueue.attach(shop, "requests");
const mails = await MiniQueue.attach(shop, "mails");
// Stands for a mail server, which may be told the same mail twice.
await using sent = await MiniStore.open<Mail>(join(dir, "sent.jsonl"));

await ask();
await takeOrders();
await sendMails();
say(`${shop.state.orders.length} orders, ${sent.sequence} mails sent`);

/** Customers ask for one thing each; also after a restart each of them has asked once. */
async function ask(): Promise<void> {
  for (let number = shop.state.requests.nextId; number <= Number(count);) {
    await requests.enqueue({ item: `item ${number}` });
    number = shop.state.requests.nextId;
  }
}

async function takeOrders(): Promise<void> {
  for (;;) {
    const request = await requests.receive();
    if (request === undefined) return;
    const { item } = request.payload;
    await shop.transact(({ orders }) => {
      const order = orders.length + 1;
      const mail = { order, text: `Your ${item} is on its way.` };
      return batch([
        { order: item },
        mails.enqueueMutation(mail),
        request.ackMutation(),
      ]);
    });
    say(`took ${item}`);
  }
}

async function sendMails(): Promise<void> {
  for (;;) {
    const mail = await mails.receive();
    if (mail === undefined) return;
    await sent.append(mail.payload);
    // Killed between the two it is sent again: at least once.
    await mail.ack();
    say(`sent the mail of order ${mail.payload.order}`);
  }
}

function say(line: string): void {
  Deno.stdout.writeSync(new TextEncoder().encode(`${line}\n`));
}
