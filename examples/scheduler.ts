// deno run --allow-read --allow-write=./reports examples/scheduler.ts ./reports
/**
 * Reports at three in the morning, on a board without a clock chip. Its clock
 * starts in 1970 and jumps when somebody sets it; its power may go for days.
 * Here a clock that can be set plays a week of that in a moment. On a real board
 * leave out `clock`, and work instead of `receive`:
 *
 *     await queue.work(({ scheduledFor }) => report(scheduledFor), { signal });
 */
import { Cron } from "croner";
import { type Clock, MiniQueue, systemClock } from "@mini/state/queue";

const [dir] = Deno.args;
if (dir === undefined) {
  say("usage: scheduler.ts DIR");
  Deno.exit(2);
}

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

/** The clock of the board: the time since it started, and how far it was set. */
let upMs = 0;
let setMs = 0;
const clock: Clock = {
  ...systemClock,
  wall: () => setMs + upMs,
  monotonic: () => upMs,
  uptime: () => upMs,
};

let queue = await start();
pass(2 * HOUR);
await work("never set");
set("2026-03-27T22:00:00Z");
await work("set");
pass(9 * HOUR);
await work("the first night");

await queue.close(); // or a power cut
upMs = 0;
setMs = 0;
queue = await start();
await work("the power was away, and the clock is in 1970 again");
set("2026-03-30T08:00:00Z");
await work("set: one report for the nights that were missed");

set("2026-03-30T04:00:00Z");
pass(HOUR);
await work("set back: no report comes twice");
pass(24 * HOUR);
await work("the next night");
for (const { name, next, missed } of await queue.schedules()) {
  say(`${name}: next at ${next?.toISOString()}, ${missed} passed over`);
}
await queue.close();

function start(): Promise<MiniQueue<string>> {
  return MiniQueue.open<string>(dir!, {
    clock,
    schedules: {
      // Summer time begins on 29 March: three o'clock comes an hour earlier.
      "nightly report": {
        when: new Cron("0 3 * * *", { timezone: "Europe/Berlin" }),
        payload: "report",
      },
      // By the time that passes, whatever the clock shows.
      sample: { everyMs: 2 * HOUR, payload: "sample" },
    },
  });
}

/** Does what is due. */
async function work(when: string): Promise<void> {
  say(`${new Date(clock.wall()).toISOString()} ${when}`);
  for (let job; (job = await queue.receive()) !== undefined;) {
    const isReport = job.payload === "report";
    say(
      `  ${job.payload}${
        isReport ? ` for ${job.scheduledFor?.toISOString()}` : ""
      }`,
    );
    await job.ack();
  }
}

function pass(ms: number): void {
  upMs += ms;
}

function set(time: string): void {
  setMs = Date.parse(time) - upMs;
}

function say(text: string): void {
  // deno-lint-ignore no-console -- it is a command
  console.log(text);
}
