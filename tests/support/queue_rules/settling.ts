// How deliveries and messages end.
import { assert, assertEquals } from "@std/assert";
import {
  drain,
  many,
  next,
  type QueueRule,
  rejectsWith,
  SOON,
} from "./rule.ts";

export const SETTLING: readonly QueueRule[] = [
  {
    name: "a delivery that is not settled in time is lost, and comes again",
    async check(open) {
      await using queue = await open({ visibilityTimeoutMs: 300 });
      await queue.enqueue("a");
      const first = await next(queue);
      const second = await next(queue);
      assertEquals([second.id, second.attempts], [first.id, 2]);
      assertEquals(first.isCurrent, false);
      assert(first.receipt !== second.receipt);
      await rejectsWith("RECEIPT_EXPIRED", () => first.ack());
      await rejectsWith("RECEIPT_EXPIRED", () => first.deadLetter("no"));
      await second.ack();
    },
  },
  {
    name: "a delivery that is extended is kept, for longer than its timeout",
    async check(open) {
      await using queue = await open({ visibilityTimeoutMs: 300 });
      await queue.enqueue("a");
      const message = await next(queue);
      await message.extend(1_000);
      assertEquals(await queue.receive({ waitMs: 700 }), undefined);
      assertEquals(message.isCurrent, true);
      await message.ack();
      assertEquals(await drain(queue), []);
    },
  },
  {
    name: "a message that is given back comes again, at once or later",
    async check(open) {
      await using queue = await open();
      await queue.enqueue("a");
      await (await next(queue)).nack({ reason: "no" });
      const second = await next(queue);
      assertEquals(second.attempts, 2);
      await second.nack({ delayMs: 400 });
      assertEquals(await queue.receive(), undefined);
      assertEquals((await next(queue)).attempts, 3);
    },
  },
  {
    name: "a delivery that goes out of scope is given back",
    async check(open) {
      await using queue = await open();
      await queue.enqueue("a");
      {
        await using message = await next(queue);
        assertEquals(message.attempts, 1);
      }
      {
        await using message = await next(queue);
        assertEquals(message.attempts, 2);
        await message.ack();
      }
      assertEquals(await drain(queue), []);
    },
  },
  {
    name:
      "a message is dead after its last attempt, given back or timed out, and when it is told",
    async check(open) {
      const options = { maxAttempts: 2, visibilityTimeoutMs: 300 };
      await using queue = await open(options);
      const given = await queue.enqueue("given back");
      for (const reason of ["one", "two"]) {
        await (await next(queue)).nack({ reason });
      }
      const left = await queue.enqueue("left");
      for (const _ of "12") await next(queue);
      assertEquals(await queue.receive({ waitMs: 1_000 }), undefined);
      const told = await queue.enqueue("told");
      await (await next(queue)).deadLetter("no such thing");
      const dead = await queue.deadLetters();
      assertEquals(
        dead.map(({ id, payload, attempts }) => [id, payload, attempts]),
        [
          [given.id, "given back", 2],
          [left.id, "left", 2],
          [told.id, "told", 1],
        ],
      );
      const reasons = dead.map(({ reason }) => reason);
      assertEquals(reasons[0], "two (delivered 2 times)");
      assert(
        reasons[1]?.endsWith("delivered 2 times") ||
          reasons[1]?.endsWith("(delivered 2 times)"),
      );
      assertEquals(reasons[2], "no such thing");
      assert(dead.every(({ diedAt, enqueuedAt }) => diedAt >= enqueuedAt));
      assertEquals(await drain(queue), []);
    },
  },
];

export const DEAD: readonly QueueRule[] = [
  {
    name: "dead letters are shown page by page, redriven and purged",
    async check(open) {
      await using queue = await open();
      await queue.enqueueBatch(many("a", "b", "c", "d", "e"));
      for (const message of await queue.receiveBatch(5, SOON)) {
        await message.deadLetter(message.payload === "b" ? "odd" : "even");
      }
      const [a, , c] = await queue.deadLetters();
      const page = await queue.deadLetters({ after: a!.id, limit: 2 });
      assertEquals(page.map(({ payload }) => payload), ["b", "c"]);
      const isOdd = ({ reason }: { reason: string }) => reason === "odd";
      assertEquals(await queue.redrive(isOdd), 1);
      assertEquals(await queue.redrive([c!.id, 1_000_000]), 1);
      assertEquals(await queue.purge(a!.id), 1);
      assertEquals(await queue.purge(a!.id), 0);
      assertEquals((await queue.stats()).dead, 2);
      const message = await next(queue);
      assertEquals([message.payload, message.attempts], ["b", 1]);
      await message.ack();
      assertEquals(await queue.redrive("all", { perSecond: 4 }), 2);
      assertEquals((await next(queue)).payload, "c");
      assertEquals((await next(queue)).payload, "d");
      assertEquals((await next(queue)).payload, "e");
      await queue.enqueue("f");
      await (await next(queue)).deadLetter("no");
      assertEquals([await queue.purge(), await queue.purge("dead")], [1, 0]);
    },
  },
  {
    name: "everything is purged, what is in flight included",
    async check(open) {
      await using queue = await open();
      await queue.enqueueBatch(many("a", "b", "c"));
      await queue.enqueue("d", { delayMs: 60_000 });
      await (await next(queue)).deadLetter("no");
      const held = await next(queue);
      assertEquals(await queue.purge("all"), 4);
      await rejectsWith("RECEIPT_EXPIRED", () => held.ack());
      assertEquals(await queue.stats(), {
        ready: 0,
        blocked: 0,
        delayed: 0,
        inFlight: 0,
        dead: 0,
        paused: false,
      });
      await queue.enqueue("e");
      assertEquals(await drain(queue), ["e"]);
    },
  },
];
