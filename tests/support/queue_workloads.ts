import {
  applyToLedger,
  emptyLedger,
  type Ledger,
  type LedgerEntry,
  MiniQueue,
} from "@mini/state/queue";
import type { FileSystem, MiniError } from "@mini/state/store";
import { StateManager } from "@mini/state/state";
import type { Workload, WorkloadLog } from "@mini/state/testing";
import { FakeClock } from "./fake_clock.ts";

/** The events so far, in order, and a queue with the messages that are not done. */
interface State {
  readonly events: string[];
  readonly queue: Ledger<string>;
}

type Change = { readonly event: string } | {
  readonly queue: LedgerEntry<string>;
};
type Manager = StateManager<State, Change>;
type Queue = MiniQueue<string, unknown, Change>;

const open = (fs: FileSystem): Promise<Manager> =>
  StateManager.open<State, Change>("/data", {
    fs,
    keepSnapshots: 1,
    initial: () => ({ events: [], queue: emptyLedger<string>() }),
    apply: (state, change) => {
      if ("queue" in change) applyToLedger(state.queue, change.queue);
      else state.events.push(change.event);
    },
  });

const attach = async (manager: Manager): Promise<Queue> =>
  await MiniQueue.attach(manager, "queue", {
    clock: new FakeClock(),
    maxAttempts: 100,
  }) as unknown as Queue;

/** One record: what happens to the queue, and that it has happened. */
async function commit(
  manager: Manager,
  log: WorkloadLog<string>,
  event: string,
  change: Change,
): Promise<void> {
  const unit = log.issue(event);
  try {
    await manager.applyBatch([{ event }, change]);
    log.ack(unit);
  } catch (error) {
    if ((error as MiniError).code !== "NO_SPACE") throw error;
    log.refuse(unit);
  }
}

/** Throws where the queue holds other messages than what has happened has left. */
function checkQueue({ events, queue }: State): void {
  const expected = new Set<string>();
  for (const event of events) {
    const [what, name = ""] = event.split(" ");
    if (what === "enqueue") expected.add(name);
    if (what === "ack") expected.delete(name);
  }
  const messages = Object.values(queue.messages);
  const found = messages.map(({ payload }) => payload).sort().join();
  if (found !== [...expected].sort().join()) {
    throw new Error(`after ${events.join()} the queue holds ${found}`);
  }
}

/** Enqueue, receive and acknowledge, each one with a change of the state that the queue is in. */
export const QUEUE_WORKLOAD: Workload<string> = {
  name: "a queue in a state",
  extra: "extra",
  async run(fs, log) {
    const manager = await open(fs);
    const queue = await attach(manager);
    const enqueue = (name: string, group?: string) =>
      commit(
        manager,
        log,
        `enqueue ${name}`,
        queue.enqueueMutation(name, group === undefined ? {} : { group }),
      );
    await Promise.all([enqueue("a", "g"), enqueue("b", "g"), enqueue("c")]);
    const [first, second] = await queue.receiveBatch(2);
    await Promise.all([
      commit(manager, log, `ack ${first!.payload}`, first!.ackMutation()),
      second!.nack(),
      manager.compact(),
    ]);
    const next = await queue.receive();
    await commit(manager, log, `ack ${next!.payload}`, next!.ackMutation());
    await enqueue("d");
    await manager.compact();
    await queue.close();
    await manager.close();
  },
  async recover(fs) {
    const manager = await open(fs);
    checkQueue(manager.state as State);
    return [...manager.state.events];
  },
  async append(fs, event) {
    const manager = await open(fs);
    await manager.apply({ event });
    await manager.close();
  },
};
