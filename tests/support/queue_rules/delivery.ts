// How messages are enqueued and received.
import { assertEquals, assertRejects } from "@std/assert";
import {
  drain,
  many,
  next,
  type QueueRule,
  rejectsWith,
  SOON,
} from "./rule.ts";

export const DELIVERY: readonly QueueRule[] = [
  {
    name: "a message that is acknowledged is gone",
    async check(open) {
      await using queue = await open();
      const { id, deduplicated } = await queue.enqueue("a");
      const message = await next(queue);
      const { payload, attempts, lastFailure, headers } = message;
      assertEquals([message.id, payload, deduplicated], [id, "a", false]);
      assertEquals([attempts, lastFailure, headers], [1, undefined, {}]);
      assertEquals(await queue.receive(), undefined);
      assertEquals(message.isCurrent, true);
      await message.ack();
      assertEquals(message.isCurrent, false);
      await rejectsWith("RECEIPT_EXPIRED", () => message.ack());
      await rejectsWith("RECEIPT_EXPIRED", () => message.nack());
      await rejectsWith("RECEIPT_EXPIRED", () => message.extend(1));
      assertEquals(await drain(queue), []);
    },
  },
  {
    name: "messages come in the order in which they were enqueued",
    async check(open) {
      await using queue = await open();
      await queue.enqueue("a");
      const ids = (await queue.enqueueBatch(many("b", "c", "d")))
        .map(({ id }) => id);
      assertEquals(ids, ids.toSorted((one, other) => one - other));
      assertEquals(await queue.enqueueBatch([]), []);
      const messages = await queue.receiveBatch(3, SOON);
      assertEquals(messages.map(({ payload }) => payload), ["a", "b", "c"]);
      assertEquals((await next(queue)).payload, "d");
      assertEquals(await queue.receiveBatch(3), []);
    },
  },
  {
    name: "headers are any text",
    async check(open) {
      await using queue = await open();
      const headers = {
        "traceparent": "00-1-01",
        "": " spaces ",
        "Nats-Msg-Id": "100 %\r\nX: 1",
        "a: b": "",
        "ключ": "värde 😀",
      };
      await queue.enqueue("a", { headers });
      assertEquals((await queue.peek())[0]?.headers, headers);
      const message = await next(queue);
      assertEquals(message.headers, headers);
      await message.deadLetter("no %\n");
      const [dead] = await queue.deadLetters();
      assertEquals([dead?.headers, dead?.reason], [headers, "no %\n"]);
    },
  },
  {
    name: "a receive that waits gets what comes, or ends with its signal",
    async check(open) {
      await using queue = await open();
      const waiting = queue.receive(SOON);
      await queue.enqueue("a");
      assertEquals((await waiting)?.payload, "a");
      const stop = new AbortController();
      const stopped = queue.receive({ waitMs: Infinity, signal: stop.signal });
      stop.abort(new Error("enough"));
      await assertRejects(() => stopped, Error, "enough");
      await assertRejects(
        () => queue.receive({ signal: stop.signal }),
        Error,
        "enough",
      );
    },
  },
  {
    name: "a delay, and a time that is over",
    async check(open) {
      await using queue = await open();
      await queue.enqueue("later", { delayMs: 1_000 });
      await queue.enqueue("at", { at: new Date(Date.now() + 1_500) });
      await queue.enqueue("now", { at: new Date(0) });
      const order: string[] = [];
      for (let at = 0; at < 3; at++) order.push((await next(queue)).payload);
      assertEquals(order, ["now", "later", "at"]);
    },
  },
  {
    name:
      "a key keeps out others with the same key, also after the message is done",
    async check(open) {
      await using queue = await open();
      const first = await queue.enqueue("a", { dedupeKey: "k ü%" });
      const again = await queue.enqueue("b", { dedupeKey: "k ü%" });
      assertEquals(again, { id: first.id, deduplicated: true });
      assertEquals(await drain(queue), ["a"]);
      const late = await queue.enqueue("c", { dedupeKey: "k ü%" });
      assertEquals(late.deduplicated, true);
      await queue.enqueue("d", { dedupeKey: "other" });
      assertEquals(await drain(queue), ["d"]);
    },
  },
];
