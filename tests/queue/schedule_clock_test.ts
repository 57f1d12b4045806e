import { assertEquals } from "@std/assert";
import { FakeClock } from "../support/fake_clock.ts";
import {
  DAY,
  drain,
  grid,
  HOUR,
  hourly,
  Life,
  settled,
  START,
} from "../support/schedule.ts";

Deno.test("nothing fires while the wall clock was never set", async () => {
  const life = new Life(0);
  const schedules = { report: { when: hourly, payload: "report" } };
  {
    await using queue = await life.open(schedules);
    life.clock.advance(DAY);
    assertEquals(await queue.receive(), undefined);
    assertEquals(await queue.schedules(), [
      { name: "report", next: undefined, last: undefined, missed: 0 },
    ]);
    life.clock.setWall(START);
    assertEquals(await queue.receive(), undefined, "what was before it began");
    life.clock.advance(HOUR);
    assertEquals(await drain(queue), [HOUR]);
  }
  life.restart(HOUR);
  life.clock.setWall(0);
  await using queue = await life.open(schedules);
  life.clock.advance(DAY);
  assertEquals(await queue.receive(), undefined);
  assertEquals((await queue.schedules())[0]?.next, new Date(START + 2 * HOUR));
  life.clock.setWall(START + 3 * HOUR);
  assertEquals(await drain(queue), [3 * HOUR], "the last one was missed");
});

Deno.test("a clock that goes back a little fires nothing twice", async () => {
  const life = new Life();
  await using queue = await life.open({
    report: { when: hourly, payload: "", missed: "all" },
  });
  await queue.receive();
  life.clock.advance(5 * HOUR);
  assertEquals(await drain(queue), [1, 2, 3, 4, 5].map((hour) => hour * HOUR));
  life.clock.setWall(START + 2 * HOUR - 1);
  assertEquals(await queue.receive(), undefined);
  life.clock.advance(3 * HOUR + 1);
  assertEquals(await queue.receive(), undefined);
  life.clock.advance(HOUR);
  assertEquals(await drain(queue), [6 * HOUR]);
});

Deno.test("a clock that was wrong: the schedule continues from now, and passes over what has fired", async () => {
  const life = new Life();
  const schedules = {
    report: { when: grid(DAY), payload: "", missed: "all" },
  } as const;
  const day = (...days: number[]) => days.map((each) => each * DAY);
  {
    await using queue = await life.open(schedules);
    assertEquals(await queue.receive(), undefined);
    life.clock.setWall(START + 8 * DAY);
    assertEquals(await drain(queue), day(1, 2, 3, 4, 5, 6, 7, 8));
    life.clock.setWall(START + 20 * DAY + 1);
    await queue.receive();
  }
  const queue = await life.open({
    ...schedules,
    report: { ...schedules.report, missed: "skip" },
  });
  await drain(queue);
  assertEquals(await queue.receive(), undefined);
  life.clock.setWall(START + 30 * DAY + HOUR);
  assertEquals(await queue.receive(), undefined, "missed");
  await queue.close();
  // Right again, as it was two hours after day 5.
  life.clock = new FakeClock(START + 5 * DAY + 2 * HOUR);
  await using right = await life.open(schedules);
  for (let days = 6; days < 21; days++) {
    life.clock.advance(DAY);
    assertEquals(await drain(right), [], `day ${days} has fired`);
  }
  for (let days = 21; days < 30; days++) {
    life.clock.advance(DAY);
    assertEquals(await drain(right), day(days));
  }
  life.clock.advance(DAY);
  life.clock.advance(DAY);
  assertEquals(await drain(right), day(31), "30 was passed over for good");
});

Deno.test("a clock that was wrong for a while leaves nothing to catch up with", async () => {
  const life = new Life();
  await using queue = await life.open({
    report: { when: hourly, payload: "", missed: "all" },
  });
  await queue.receive();
  life.clock.advance(HOUR);
  assertEquals(await drain(queue), [HOUR]);
  life.clock.setWall(START - 400 * DAY);
  assertEquals(await drain(queue), []);
  life.clock.advance(HOUR);
  assertEquals(await drain(queue), [-400 * DAY + HOUR]);
  life.clock.setWall(START - 800 * DAY);
  assertEquals(await drain(queue), []);
  life.clock.setWall(START + 3 * HOUR);
  assertEquals(await drain(queue), [2 * HOUR, 3 * HOUR]);
  life.clock.advance(HOUR);
  assertEquals(await drain(queue), [4 * HOUR]);
});

Deno.test("a receiver learns within seconds that the wall clock has jumped", async () => {
  const life = new Life(START + 1);
  await using queue = await life.open({
    report: { when: hourly, payload: "r", overlap: "allow" },
  });
  const waiting = queue.receive({ waitMs: Infinity });
  await settled();
  life.clock.setWall(START + 2 * HOUR);
  life.clock.advance(10_000);
  assertEquals((await waiting)?.scheduledFor, new Date(START + 2 * HOUR));
});
