import { MiniQueue } from "@mini/state/queue";
import type { FileSystem, MiniError } from "@mini/state/store";
import type { Workload, WorkloadLog } from "@mini/state/testing";
import { FakeClock } from "./fake_clock.ts";

const open = (fs: FileSystem): Promise<MiniQueue<string>> =>
  MiniQueue.open<string>("/data", {
    fs,
    clock: new FakeClock(),
    keepSnapshots: 1,
    inbox: true,
  });

/** Posts messages as one file; a full disk refuses them. */
async function post(
  fs: FileSystem,
  log: WorkloadLog<string>,
  ...payloads: string[]
): Promise<void> {
  const unit = log.issue(...payloads);
  const messages = payloads.map((payload) => ({ payload }));
  try {
    await MiniQueue.postBatch("/data", messages, { fs });
    log.ack(unit);
  } catch (error) {
    if ((error as MiniError).code !== "NO_SPACE") throw error;
    log.refuse(unit);
  }
}

async function payloadsIn(queue: MiniQueue<string>): Promise<string[]> {
  const messages = await queue.peek(1_000);
  return messages.map(({ payload }) => payload);
}

/** Messages that are posted and taken in: what has resolved is in the inbox or in the ledger, and once in the ledger. */
export const INBOX_WORKLOAD: Workload<string> = {
  name: "an inbox",
  extra: "extra",
  async run(fs, log) {
    await (await open(fs)).close();
    await post(fs, log, "a");
    const queue = await open(fs);
    await Promise.all([post(fs, log, "b"), post(fs, log, "c", "d")]);
    await queue.stats();
    await post(fs, log, "e");
    await Promise.all([queue.stats(), queue.compact()]);
    await post(fs, log, "f");
    await queue.stats();
    await queue.compact();
    await queue.close();
    await post(fs, log, "g");
  },
  async recover(fs) {
    const queue = await open(fs);
    const payloads = await payloadsIn(queue);
    // Another look must find nothing more.
    const again = await payloadsIn(queue);
    if (again.length !== payloads.length) {
      throw new Error(`${payloads}, and then ${again}`);
    }
    return payloads;
  },
  async append(fs, payload) {
    await (await open(fs)).close();
    await MiniQueue.post("/data", payload, { fs });
  },
};
