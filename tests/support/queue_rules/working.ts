// How `work` handles messages, and what concerns the whole queue.
import { assertEquals, assertRejects } from "@std/assert";
import {
  DeadLetterError,
  type Queue,
  RetryLaterError,
  type Schema,
} from "@mini/state/queue";
import {
  drain,
  many,
  next,
  type QueueRule,
  rejectsWith,
  SOON,
} from "./rule.ts";

export const WORKING: readonly QueueRule[] = [
  {
    name:
      "work acknowledges what returns, and repeats what throws until it is dead",
    async check(open) {
      await using queue = await open({ maxAttempts: 2, backoff: () => 0 });
      await queue.enqueueBatch(many("good", "bad", "never", "later"));
      const seen: string[] = [];
      let isLater = false;
      await queue.work(({ payload }) => {
        seen.push(payload);
        if (payload === "bad") throw new Error("it is bad");
        if (payload === "never") throw new DeadLetterError("never");
        if (payload === "later" && !isLater) {
          isLater = true;
          throw new RetryLaterError(50);
        }
      }, { until: "empty" });
      // A delay is not waited for, or is in flight.
      if (!isLater || seen.filter((each) => each === "later").length === 1) {
        await (await next(queue)).ack();
      }
      assertEquals(seen.filter((each) => each !== "later").toSorted(), [
        "bad",
        "bad",
        "good",
        "never",
      ]);
      const dead = await queue.deadLetters();
      assertEquals(
        dead.map(({ payload, reason, error }) => [
          payload,
          reason,
          error?.message,
        ]),
        [
          ["bad", "it is bad (delivered 2 times)", "it is bad"],
          ["never", "never", "never"],
        ],
      );
    },
  },
  {
    name:
      "work handles as many at a time as it may, and none of them times out",
    async check(open) {
      await using queue = await open({ visibilityTimeoutMs: 300 });
      await queue.enqueueBatch(many("a", "b", "c", "d"));
      let [running, most] = [0, 0];
      const attempts: number[] = [];
      await queue.work(async (message) => {
        attempts.push(message.attempts);
        most = Math.max(most, ++running);
        await new Promise((resolve) => setTimeout(resolve, 700));
        running--;
      }, { until: "empty", concurrency: 2 });
      assertEquals([most, attempts], [2, [1, 1, 1, 1]]);
    },
  },
  {
    name:
      "work takes a message from a handler that runs too long, and tells it",
    async check(open) {
      await using queue = await open({ backoff: () => 0 });
      await queue.enqueue("a");
      const told: string[] = [];
      await queue.work(async ({ attempts }, { signal }) => {
        if (attempts > 1) return;
        await new Promise<void>((resolve) => {
          signal.addEventListener("abort", () => resolve());
        });
        told.push(signal.reason.code);
      }, { until: "empty", handlerTimeoutMs: 200 });
      assertEquals(told, ["RECEIPT_EXPIRED"]);
      assertEquals((await queue.stats()).inFlight, 0);
    },
  },
  {
    name: "work stops with its signal, once its handlers have ended",
    async check(open) {
      await using queue = await open();
      await queue.enqueueBatch(many("a", "b"));
      const stop = new AbortController();
      const seen: string[] = [];
      await queue.work(({ payload }, { signal }) => {
        stop.abort();
        assertEquals(signal.aborted, true);
        seen.push(payload);
      }, { signal: stop.signal });
      assertEquals(seen, ["a"]);
      await queue.work(() => {
        throw new Error("it is not called");
      }, { signal: stop.signal });
      assertEquals(await drain(queue), ["b"]);
    },
  },
];

export const WHOLE: readonly QueueRule[] = [
  {
    name: "the messages are counted and shown",
    async check(open) {
      await using queue = await open();
      await queue.enqueueBatch(many("a", "b", "c", "d"));
      await queue.enqueue("e", { delayMs: 60_000 });
      await (await next(queue)).deadLetter("no");
      await next(queue);
      const { ready, delayed, inFlight, dead } = await queue.stats();
      assertEquals([ready, delayed, inFlight, dead], [2, 1, 1, 1]);
      const shown = await queue.peek();
      assertEquals(shown.map(({ payload }) => payload), ["c", "d", "e"]);
      assertEquals(shown.map(({ attempts }) => attempts), [0, 0, 0]);
      assertEquals(shown.map(({ delayMs }) => delayMs > 0), [
        false,
        false,
        true,
      ]);
      assertEquals((await queue.peek(1)).length, 1);
    },
  },
  {
    name: "nothing is delivered while the queue is paused",
    async check(open) {
      await using queue = await open();
      await queue.pause();
      await queue.enqueue("a");
      assertEquals((await queue.stats()).paused, true);
      assertEquals(await queue.receive(), undefined);
      const waiting = queue.receive(SOON);
      await queue.resume();
      assertEquals((await waiting)?.payload, "a");
      assertEquals((await queue.stats()).paused, false);
    },
  },
  {
    name: "a schema decides what is enqueued",
    async check(open) {
      const schema: Schema<string> = {
        "~standard": {
          validate: (value) =>
            value === "good"
              ? { value }
              : { issues: [{ message: "it is not good" }] },
        },
      };
      await using queue = await open({ schema });
      await rejectsWith("INVALID", () => queue.enqueue("bad"));
      await rejectsWith(
        "INVALID",
        () => queue.enqueueBatch(many("good", "bad")),
      );
      await queue.enqueue("good");
      assertEquals(await drain(queue), ["good"]);
    },
  },
  {
    name: "misuse is told, and does nothing",
    async check(open) {
      await using queue = await open();
      const wrong = queue as Queue<unknown>;
      await rejectsWith("UNSERIALIZABLE", () => wrong.enqueue(new Map()));
      const at = new Date();
      const options = [{ delay: 1 }, { at, delayMs: 1 }, { headers: { a: 1 } }];
      for (const each of options) {
        await assertRejects(
          () => wrong.enqueue("a", each as object),
          TypeError,
        );
      }
      await assertRejects(
        () => queue.enqueue("a", { delayMs: -1 }),
        RangeError,
      );
      await assertRejects(() => queue.receiveBatch(0), RangeError);
      await assertRejects(() => queue.peek(0), RangeError);
      await assertRejects(() => queue.redrive(0), RangeError);
      await assertRejects(() => queue.purge(-1), RangeError);
      await assertRejects(
        () => queue.work(() => {}, { concurrency: 0 }),
        RangeError,
      );
      assertEquals((await queue.stats()).ready, 0);
    },
  },
  {
    name: "closing ends work and waiting, and nothing can be done afterwards",
    async check(open) {
      await using queue = await open();
      const waiting = queue.receive({ waitMs: Infinity });
      const working = queue.work(() => {});
      await queue.close();
      assertEquals(await waiting, undefined);
      await working;
      await rejectsWith("CLOSED", () => queue.enqueue("a"));
      await rejectsWith("CLOSED", () => queue.receive());
      await rejectsWith("CLOSED", () => queue.work(() => {}));
      await rejectsWith("CLOSED", () => queue.pause());
    },
  },
];
