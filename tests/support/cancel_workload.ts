import { MiniQueue } from "@mini/state/queue";
import type { FileSystem } from "@mini/state/store";
import type { Workload } from "@mini/state/testing";

const MESSAGES = 6;

const open = (fs: FileSystem): Promise<MiniQueue<string, string>> =>
  MiniQueue.open<string, string>("/data", {
    fs,
    keepSnapshots: 1,
    keepFinished: { count: 100 },
  });

/** Acknowledgements and cancellations at the same time: whichever is called first has won, or neither is on record. What is done has its result. */
export const CANCEL_WORKLOAD: Workload<string> = {
  name: "acks and cancellations",
  extra: "extra",
  async run(fs, log) {
    const queue = await open(fs);
    await queue.enqueueBatch(
      Array.from({ length: MESSAGES }, () => ({ payload: "" })),
    );
    for (let id = 1; id <= MESSAGES; id++) {
      const message = await queue.receive();
      const isCancelled = id % 2 === 0;
      const unit = log.issue(`${id} ${isCancelled ? "cancelled" : "done"}`);
      const calls = [
        () => message!.ack(`result ${id}`).catch(() => {}),
        () => queue.cancel(id),
      ];
      if (isCancelled) calls.reverse();
      await Promise.all(calls.map((call) => call()));
      log.ack(unit);
      if (id === MESSAGES / 2) await queue.compact();
    }
    await queue.close();
  },
  async recover(fs) {
    const queue = await open(fs);
    const finished = await queue.finished();
    const mine = finished.filter(({ payload }) => payload === "");
    for (const one of mine) {
      if (one.state === "done" && one.result !== `result ${one.id}`) {
        throw new Error(`message ${one.id} is done with ${one.result}`);
      }
    }
    const { ready } = await queue.stats();
    const all = mine.length + ready;
    if (all !== 0 && all !== MESSAGES) throw new Error(`there are ${all}`);
    return finished.map(({ id, payload, state }) =>
      payload || `${id} ${state}`
    );
  },
  async append(fs, payload) {
    await using queue = await open(fs);
    const { id } = await queue.enqueue(payload);
    await queue.cancel(id);
  },
};
