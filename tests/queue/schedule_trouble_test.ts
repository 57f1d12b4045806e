import { type Clock, MiniError, type ScheduleOptions } from "@mini/state/queue";
import { assertEquals, assertRejects } from "@std/assert";
import {
  drain,
  HOUR,
  hourly,
  Life,
  settled,
  START,
} from "../support/schedule.ts";

Deno.test("what has no next occurrence stops, and the others do not", async () => {
  const life = new Life();
  let isBroken = false;
  const broken = (answer: () => unknown) => ({
    nextRun: (after: Date) =>
      (isBroken ? answer() : hourly.nextRun(after)) as Date,
  });
  const failing: Record<string, () => unknown> = {
    throws: () => {
      throw new Error("no such zone");
    },
    invalid: () => new Date(NaN),
    before: () => new Date(START),
    nothing: () => undefined,
    promise: () => Promise.reject(new Error("later")),
  };
  const schedules: Record<string, ScheduleOptions<string>> = {
    fine: { when: hourly, payload: "fine" },
    ends: { when: { nextRun: () => null }, payload: "ends" },
  };
  for (const [name, answer] of Object.entries(failing)) {
    schedules[name] = { when: broken(answer), payload: name };
  }
  await using queue = await life.open(schedules);
  assertEquals(await queue.receive(), undefined);
  isBroken = true;
  life.clock.advance(HOUR);
  const message = await queue.receive();
  assertEquals(message?.payload, "fine");
  await message?.ack();
  life.clock.advance(HOUR);
  assertEquals((await queue.receive())?.payload, "fine");
  assertEquals(life.errors.map((error) => (error as Error).message), [
    'The schedule "throws" has stopped until the queue is opened again: no such zone',
    ...[
      ["invalid", "Invalid Date"],
      ["before", "2026-01-01T00:00:00.000Z"],
      ["nothing", "undefined"],
      ["promise", "[object Promise]"],
    ].map(([name, answer]) =>
      `The schedule "${name}" has stopped until the queue is opened again: TypeError: nextRun() must return a valid Date after its argument, or null, not ${answer} for 2026-01-01T00:00:00.000Z`
    ),
  ]);
  const status = await queue.schedules();
  assertEquals(status.map(({ name, failure }) => [name, failure]), [
    ["fine", undefined],
    ["ends", undefined],
    ...Object.keys(failing).map((name, index) => [name, life.errors[index]]),
  ]);
  assertEquals(status[1]?.next, undefined);
});

Deno.test("a schedule that fails from the first is stopped, and told once", async () => {
  const life = new Life();
  const nextRun = () => {
    throw new Error("no such zone");
  };
  await using queue = await life.open({
    report: { when: { nextRun }, payload: "r" },
  });
  for (let look = 0; look < 2; look++) {
    assertEquals(await queue.receive(), undefined);
    life.clock.advance(HOUR);
  }
  const [status] = await queue.schedules();
  assertEquals(life.errors, [status?.failure]);
  assertEquals(status?.next, undefined);
});

Deno.test("on a full disk nothing fires, and that is told once", async () => {
  const life = new Life();
  const schedules = { report: { when: hourly, payload: "r" } };
  await using queue = await life.open(schedules);
  life.clock.advance(HOUR);
  let isFull = true;
  life.fs.hooks.before = ({ operation }) => {
    if (isFull && operation === "write") {
      throw Object.assign(new Error("full"), { code: "ENOSPC" });
    }
  };
  assertEquals(await queue.receive(), undefined);
  const waiting = queue.receive({ waitMs: Infinity });
  await settled();
  assertEquals(life.errors.length, 1);
  assertEquals((life.errors[0] as MiniError).code, "NO_SPACE");
  isFull = false;
  life.clock.advance(10_000);
  assertEquals((await waiting)?.scheduledFor, new Date(START + HOUR));
});

Deno.test("on a full disk nothing is passed over, and that is told once", async () => {
  const life = new Life();
  const schedules = {
    report: { when: hourly, payload: "r", missed: "skip" },
  } as const;
  await using queue = await life.open(schedules);
  life.clock.advance(HOUR + HOUR / 2);
  life.fs.capacityBytes = 0;
  for (let look = 0; look < 2; look++) {
    assertEquals(await queue.receive(), undefined);
    life.clock.advance(10_000);
  }
  assertEquals(life.errors.map((error) => (error as MiniError).code), [
    "NO_SPACE",
  ]);
  life.fs.capacityBytes = Infinity;
  assertEquals(await queue.receive(), undefined);
  assertEquals((await queue.schedules())[0]?.missed, 1);
});

Deno.test("a busy queue fires too", async () => {
  const life = new Life();
  await using queue = await life.open({
    report: { when: hourly, payload: "report", priority: 1 },
  });
  await queue.enqueueBatch(["a", "b"].map((payload) => ({ payload })));
  assertEquals((await queue.receive())?.payload, "a");
  life.clock.advance(HOUR);
  assertEquals((await queue.receive())?.payload, "report");
});

Deno.test("a clock that cannot sleep is told, and ends no work", async () => {
  const life = new Life();
  const { clock } = life;
  let isBroken = false;
  const broken: Clock = {
    wall: () => clock.wall(),
    monotonic: () => clock.monotonic(),
    sleep: (ms, signal) =>
      isBroken
        ? Promise.reject(new Error("no timer"))
        : clock.sleep(ms, signal),
  };
  await using queue = await life.open({
    report: { when: hourly, payload: "r" },
  }, { clock: broken });
  await queue.enqueue("a");
  const stop = new AbortController();
  const ended = Promise.withResolvers<void>();
  const working = queue.work(() => ended.promise, { signal: stop.signal });
  await settled();
  isBroken = true;
  clock.advance(10_000);
  await settled();
  assertEquals(life.errors.map(String), ["Error: no timer"]);
  isBroken = false;
  stop.abort();
  ended.resolve();
  await working;
});

Deno.test("messages that fire together and are long have several entries", async () => {
  const life = new Life();
  const payload = "x".repeat(600_000);
  const schedules = { big: { when: hourly, payload, missed: "all" } } as const;
  await (await life.open(schedules)).close();
  life.restart(3 * HOUR);
  await using queue = await life.open(schedules);
  const before = queue.sequence;
  assertEquals(await drain(queue), [HOUR, 2 * HOUR, 3 * HOUR]);
  // Three firings, three deliveries, three acknowledgements.
  assertEquals(queue.sequence - before, 9);
});

Deno.test("schedules that are wrong are refused at opening", async () => {
  const life = new Life();
  const refused = async (
    schedule: unknown,
    message: string,
    kind: new (...args: never[]) => Error = TypeError,
  ) => {
    const all = { s: schedule } as Record<string, ScheduleOptions<string>>;
    await assertRejects(
      () => life.open(all),
      kind as ErrorConstructor,
      message,
    );
  };
  const payload = "p";
  await refused(
    { payload },
    'the schedule "s" must have either when or everyMs',
  );
  await refused(
    { payload, when: hourly, everyMs: 1 },
    "either when or everyMs",
  );
  await refused({ payload, when: {} }, "a method nextRun()");
  await refused({ payload, everyMs: 0.5 }, "everyMs", RangeError);
  await refused({ payload, everyMs: 1, missed: "never" }, "missed must be");
  await refused({ payload, everyMs: 1, overlap: true }, "overlap must be");
  await refused({ payload, everyMs: 1, delayMs: 1 }, 'no option "delayMs"');
  await refused({ payload, everyMs: 1, group: "" }, "group");
  await refused({ everyMs: 1 }, "", MiniError);
  await refused(3, "must be an object");
  await assertRejects(
    () => life.open({ "": { payload, everyMs: 1 } }),
    TypeError,
  );
  await assertRejects(
    () => life.open(3 as unknown as Record<string, ScheduleOptions<string>>),
    TypeError,
    "schedules must be an object",
  );
  const schema = {
    "~standard": {
      validate: (value: unknown) =>
        value === "good"
          ? { value: "good" }
          : { issues: [{ message: "not good" }] },
    },
  };
  const bad = await assertRejects(
    () => life.open({ s: { payload, everyMs: 1 } }, { schema }),
    MiniError,
    'enqueue the messages of the schedule "s"',
  );
  assertEquals(bad.code, "INVALID");
  await (await life.open({ s: { payload: "good", everyMs: 1 } }, { schema }))
    .close();
});

Deno.test("nothing fires once nothing can be logged any more", async () => {
  const life = new Life();
  const queue = await life.open({
    report: { when: hourly, payload: "r", overlap: "allow" },
  });
  await queue.enqueue("a");
  const ended = Promise.withResolvers<void>();
  const failed = assertRejects(
    () => queue.work(() => ended.promise),
    MiniError,
    "EIO",
  );
  await settled();
  life.fs.hooks.before = ({ operation }) => {
    if (operation === "sync") {
      throw Object.assign(new Error("EIO"), { code: "EIO" });
    }
  };
  life.clock.advance(HOUR);
  await settled();
  assertEquals(life.errors.length, 1);
  life.clock.advance(10_000);
  await settled();
  assertEquals(life.errors.length, 1);
  ended.resolve();
  await failed;
  await assertRejects(() => queue.close(), MiniError);
});
