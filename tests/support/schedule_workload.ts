import { MiniQueue } from "@mini/state/queue";
import type { FileSystem } from "@mini/state/store";
import type { Workload } from "@mini/state/testing";
import { FakeClock } from "./fake_clock.ts";
import { HOUR, hourly, START } from "./schedule.ts";

/** Opens the queue. Throws where the schedule cannot begin: then it does later. */
async function open(
  fs: FileSystem,
  clock: FakeClock,
): Promise<MiniQueue<string>> {
  const errors: unknown[] = [];
  const queue = await MiniQueue.open<string>("/data", {
    fs,
    clock,
    keepSnapshots: 1,
    onError: (error) => errors.push(error),
    schedules: {
      tick: { when: hourly, payload: "", missed: "all", overlap: "allow" },
    },
  });
  if (errors.length > 0) throw errors[0];
  return queue;
}

/** The hours that have fired, and other messages. Throws unless the next hour is the one after them. */
async function recovered(queue: MiniQueue<string>): Promise<string[]> {
  const messages = await queue.peek(1_000);
  const hours = messages.flatMap(({ scheduledFor }) =>
    scheduledFor ? [(scheduledFor.getTime() - START) / HOUR] : []
  );
  const [status] = await queue.schedules();
  const next = (status!.next!.getTime() - START) / HOUR;
  if (next !== hours.length + 1 || hours.some((hour, at) => hour !== at + 1)) {
    throw new Error(`${hours} have fired, and the next one is ${next}`);
  }
  return messages.map(({ payload, scheduledFor }, at) =>
    scheduledFor ? String(hours[at]) : payload
  );
}

/** Hours that fire: each with its message, or neither. */
export const SCHEDULE_WORKLOAD: Workload<string> = {
  name: "a schedule",
  extra: "extra",
  async run(fs, log) {
    let clock = new FakeClock(START);
    let queue = await open(fs, clock);
    // It fires, and delivers nothing.
    await queue.pause();
    let last = 0;
    const fire = async (count: number) => {
      const hours = Array.from({ length: count }, () => String(++last));
      const unit = log.issue(...hours);
      clock.advance(count * HOUR);
      await queue.receive();
      log.ack(unit);
    };
    await fire(1);
    await fire(2);
    await queue.compact();
    await fire(1);
    await queue.close();
    clock = clock.restarted();
    queue = await open(fs, clock);
    await fire(3);
    await fire(1);
    await queue.close();
  },
  async recover(fs) {
    const queue = await open(fs, new FakeClock(START));
    return await recovered(queue);
  },
  async append(fs, payload) {
    await using queue = await open(fs, new FakeClock(START));
    await queue.enqueue(payload);
  },
};
