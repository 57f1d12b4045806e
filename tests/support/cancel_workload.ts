import { type FinishedMessage, MiniQueue, QueueView } from "@mini/state/queue";
import type { FileSystem } from "@mini/state/store";
import type { Workload, WorkloadLog } from "@mini/state/testing";

const MESSAGES = 6;
const ENDS = ["done", "cancelled"];

/** Opens the queue. Throws where it cannot log what it keeps: then it keeps nothing. */
async function open(fs: FileSystem): Promise<MiniQueue<string, string>> {
  const errors: unknown[] = [];
  const queue = await MiniQueue.open<string, string>("/data", {
    fs,
    keepSnapshots: 1,
    keepFinished: { count: 100 },
    onError: (error) => errors.push(error),
  });
  if (errors.length > 0) throw errors[0];
  return queue;
}

/** Ends a message in two ways at once, each of which says how it has ended. The second has its way only where the first was refused. */
async function race(
  log: WorkloadLog<string>,
  id: number,
  [first, second]: readonly [() => Promise<string>, () => Promise<string>],
): Promise<void> {
  const isAckFirst = id % 2 === 1;
  const [mine, other] = isAckFirst ? ENDS : ENDS.toReversed();
  const unit = log.issue(`${id} ${mine}`);
  const [told, toldNext] = await Promise.allSettled([first(), second()]);
  if (told.status === "fulfilled") return log.ack(unit);
  if (told.reason.code !== "NO_SPACE") throw told.reason;
  log.refuse(unit);
  if (toldNext.status === "rejected") throw toldNext.reason;
  log.ack(log.issue(`${id} ${other}`));
}

/** The ends of messages, apart from what hangs on a clock. */
function endsOf(finished: readonly FinishedMessage<string>[]): string {
  return JSON.stringify(
    finished.map(({ endedAt: _, enqueuedAt: __, ...end }) => end),
  );
}

/** Acknowledgements and cancellations at the same time: whichever is called first has won, or neither is on record. What is done has its result. A view shows what its owner finds. */
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
      const ack = () => message!.ack(`result ${id}`).then(() => "done");
      const cancel = () => queue.cancel(id);
      await race(log, id, id % 2 === 1 ? [ack, cancel] : [cancel, ack]);
      if (id === MESSAGES / 2) await queue.compact();
    }
    await queue.close();
  },
  async recover(fs) {
    // It sees what recovery takes back.
    await using view = await QueueView.open<string, string>("/data", {
      fs,
      ifMissing: "empty",
    });
    const queue = await open(fs);
    const finished = await queue.finished();
    await view.until(queue.sequence);
    const [seen, found] = [await view.finished(), finished].map(endsOf);
    if (seen !== found) throw new Error(`a view shows ${seen}, not ${found}`);
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
