import {
  MiniError,
  type MiniQueue,
  QueueView,
  type ScheduleOptions,
} from "@mini/state/queue";
import { assertEquals, assertRejects } from "@std/assert";
import { Cron } from "croner";
import {
  DAY,
  drain,
  grid,
  HOUR,
  hourly,
  Life,
  MINUTE,
  settled,
  START,
} from "../support/schedule.ts";

Deno.test("a schedule by the wall clock fires at its times", async () => {
  const life = new Life(START + 10 * MINUTE);
  await using queue = await life.open({
    report: {
      when: hourly,
      payload: "report",
      priority: 2,
      group: "reports",
      headers: { by: "clock" },
    },
  });
  assertEquals(await queue.receive(), undefined);
  assertEquals(await queue.schedules(), [{
    name: "report",
    next: new Date(START + HOUR),
    last: undefined,
    missed: 0,
  }]);
  life.clock.advance(50 * MINUTE);
  const message = await queue.receive();
  assertEquals(message?.payload, "report");
  assertEquals(message?.scheduledFor, new Date(START + HOUR));
  assertEquals([message?.priority, message?.group], [2, "reports"]);
  assertEquals(message?.headers, { by: "clock" });
  await message?.nack();
  assertEquals((await queue.peek())[0]?.scheduledFor, new Date(START + HOUR));
  assertEquals(await drain(queue), [HOUR]);
  assertEquals(await queue.schedules(), [{
    name: "report",
    next: new Date(START + 2 * HOUR),
    last: new Date(START + HOUR),
    missed: 0,
  }]);
  life.clock.advance(HOUR);
  assertEquals(await drain(queue), [2 * HOUR]);
});

Deno.test("a schedule by queue time needs no wall clock", async () => {
  const life = new Life(0);
  const poll = { poll: { everyMs: MINUTE, payload: "poll" } };
  {
    await using queue = await life.open(poll);
    assertEquals(await queue.receive(), undefined);
    life.clock.advance(MINUTE - 1);
    assertEquals(await queue.receive(), undefined);
    life.clock.advance(1);
    assertEquals((await queue.receive())?.payload, "poll");
    life.clock.setWall(START);
  }
  life.restart(0);
  await using queue = await life.open(poll);
  // The one that was in flight is in the way, but not for the queue time.
  await (await queue.receive())?.ack();
  life.clock.advance(MINUTE);
  const [before] = await queue.schedules();
  const message = await queue.receive();
  assertEquals(message?.scheduledFor, before?.next);
  await message?.ack();
  const [after] = await queue.schedules();
  assertEquals(after?.last, before?.next);
  assertEquals(after!.next!.getTime() - before!.next!.getTime(), MINUTE);
});

Deno.test("missed occurrences: the latest, none or each fires", async () => {
  const life = new Life();
  const schedules: Record<string, ScheduleOptions<string>> = {
    once: { when: hourly, payload: "once" },
    skip: { when: hourly, payload: "skip", missed: "skip" },
    all: { when: hourly, payload: "all", missed: "all" },
  };
  const fired = async (queue: MiniQueue<string>) => {
    const seen: string[] = [];
    for (let message; (message = await queue.receive());) {
      const hour = (message.scheduledFor!.getTime() - START) / HOUR;
      seen.push(`${message.payload} ${hour}`);
      await message.ack();
    }
    return seen;
  };
  const missed = async (queue: MiniQueue<string>) =>
    (await queue.schedules()).map(({ missed }) => missed);
  await (await life.open(schedules)).close();
  life.restart(3 * HOUR + 2 * MINUTE);
  {
    await using queue = await life.open(schedules);
    assertEquals(await fired(queue), ["once 3", "all 1", "all 2", "all 3"]);
    assertEquals(await missed(queue), [2, 3, 0]);
  }
  life.restart(HOUR - MINUTE);
  await using queue = await life.open(schedules);
  assertEquals(await fired(queue), ["once 4", "skip 4", "all 4"], "not late");
  life.clock.advance(HOUR + 1);
  assertEquals(await fired(queue), ["once 5", "all 5"], "more than a minute");
  assertEquals(await missed(queue), [2, 4, 0]);
});

Deno.test("ten years of missed minutes take no time: the latest 100 fire", async () => {
  for (const missed of ["all", "once"] as const) {
    const life = new Life();
    const when = grid(MINUTE);
    const schedules = { poll: { when, payload: "poll", missed } };
    await (await life.open(schedules)).close();
    life.restart(3_650 * DAY);
    await using queue = await life.open(schedules);
    const times = await drain(queue);
    const last = Array.from({ length: missed === "all" ? 100 : 1 })
      .map((_, index) => 3_650 * DAY - index * MINUTE).reverse();
    assertEquals(times, last);
    assertEquals(when.calls < 1_500, true, `${when.calls} calls`);
    assertEquals((await queue.schedules())[0]?.missed, 1_000 - times.length);
  }
});

Deno.test("a few more than are counted: the latest fire, whatever their distance", async () => {
  const isIn = (second: number) => second % 86_400 < 300;
  // Bursts of 300 seconds, one a day.
  const when = {
    nextRun(after: Date): Date {
      const second = Math.floor(after.getTime() / 1_000) + 1;
      const next = isIn(second) ? second : second - second % 86_400 + 86_400;
      return new Date(next * 1_000);
    },
  };
  for (const [days, seconds] of [[3, 49], [3, 149], [4, 49], [40, 70_000]]) {
    const life = new Life();
    const poll = { when, payload: "", missed: "all" } as const;
    await (await life.open({ poll })).close();
    const end = days! * 86_400 + seconds!;
    life.restart(end * 1_000);
    await using queue = await life.open({ poll });
    const expected: number[] = [];
    for (let second = end; expected.length < 100; second--) {
      if (isIn(second)) expected.unshift(second * 1_000);
    }
    assertEquals(await drain(queue), expected);
  }
});

Deno.test("no message of an earlier occurrence is overtaken, unless that is allowed", async () => {
  const life = new Life();
  await using queue = await life.open({
    skip: { when: hourly, payload: "skip" },
    allow: { when: hourly, payload: "allow", overlap: "allow" },
    all: { when: hourly, payload: "all", missed: "all" },
  });
  const payloads = async () =>
    (await queue.peek(20)).map(({ payload }) => payload).sort();
  const [skipped, , all] = [0, 1, 2];
  await queue.receive(); // looks
  life.clock.advance(2 * HOUR);
  const held = await queue.receive();
  assertEquals(held?.payload, "skip");
  assertEquals(await payloads(), ["all", "all", "allow"]);
  life.clock.advance(HOUR);
  await (await queue.receive())?.nack({ countAttempt: false });
  await (await queue.receive())?.nack({ countAttempt: false });
  // `skip` has timed out, and waits; `all` waits.
  const look = await queue.receiveBatch(20);
  for (const message of look) await message.nack({ countAttempt: false });
  const status = await queue.schedules();
  assertEquals([status[skipped]?.missed, status[all]?.missed], [2, 1]);
  assertEquals((await payloads()).includes("skip"), true);
  for (const message of await queue.receiveBatch(20)) {
    // A dead letter is in nobody's way.
    if (message.payload === "skip") await message.deadLetter("no");
    else await message.ack();
  }
  life.clock.advance(HOUR);
  await queue.receive();
  assertEquals(
    (await queue.schedules())[skipped]?.last,
    new Date(START + 4 * HOUR),
  );
});

Deno.test("an opening without the option changes no schedule; one with it drops the others", async () => {
  const life = new Life();
  const a = { a: { when: hourly, payload: "a" } };
  await (await life.open({ ...a, toString: { everyMs: HOUR, payload: "b" } }))
    .close();
  await (await life.open()).close();
  const names = async () => {
    await using view = await QueueView.open<string>("/q", {
      fs: life.fs,
      clock: life.clock,
    });
    return await view.schedules();
  };
  assertEquals((await names()).map(({ name }) => name), ["a", "toString"]);
  const queue = await life.open({ toString: { when: hourly, payload: "b" } });
  assertEquals(await queue.receive(), undefined, "by another clock, it begins");
  life.clock.advance(2 * HOUR);
  const message = await queue.receive();
  assertEquals(message?.scheduledFor, new Date(START + 2 * HOUR));
  await queue.compact();
  await queue.close();
  const last = new Date(START + 2 * HOUR);
  assertEquals(await names(), [{ name: "toString", last, missed: 1 }]);
  const { sequence } = await life.open({
    toString: { when: hourly, payload: "b" },
  }).then(async (queue) => (await queue.close(), queue));
  const again = await life.open({ toString: { when: hourly, payload: "b" } });
  assertEquals(again.sequence, sequence, "nothing is new, nothing is logged");
  assertEquals(await again.schedules().then(([one]) => one?.last), last);
  await again.close();
  await (await life.open({})).close();
  assertEquals(await names(), []);
  await assertRejects(() => again.schedules(), MiniError, "closed");
});

Deno.test("a receiver is woken at the next occurrence", async () => {
  const life = new Life(START + HOUR - 5_000);
  await using queue = await life.open({
    report: { when: new Cron("0 * * * *", { timezone: "UTC" }), payload: "r" },
  });
  const waiting = queue.receive({ waitMs: Infinity });
  await settled();
  life.clock.advance(5_000);
  assertEquals((await waiting)?.scheduledFor, new Date(START + HOUR));
});

Deno.test("an occurrence is passed over while the handler of an earlier one runs", async () => {
  const life = new Life();
  await using queue = await life.open({
    poll: { everyMs: MINUTE, payload: "poll" },
  });
  const stop = new AbortController();
  const started = Promise.withResolvers<void>();
  const ended = Promise.withResolvers<void>();
  const working = queue.work(async () => {
    started.resolve();
    await ended.promise;
    stop.abort();
  }, { signal: stop.signal });
  await settled();
  life.clock.advance(MINUTE);
  await started.promise;
  await settled();
  for (let ms = 0; ms < MINUTE; ms += 10_000) {
    life.clock.advance(10_000);
    await settled();
  }
  assertEquals((await queue.schedules())[0]?.missed, 1);
  ended.resolve();
  await working;
  assertEquals(await queue.receive(), undefined);
});
