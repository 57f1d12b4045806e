import {
  type HandlerContext,
  MiniQueue,
  type QueueMessage,
  type QueueOptions,
} from "@mini/state/queue";
import { MemoryFileSystem } from "@mini/state/testing";
import { FakeClock } from "./fake_clock.ts";

/** A queue on a disk in memory and a clock that a test moves, which can be killed and opened again. */
export class TestQueue<T> {
  readonly fs: MemoryFileSystem = new MemoryFileSystem();
  clock: FakeClock = new FakeClock();
  readonly #options: QueueOptions<T>;

  constructor(options: QueueOptions<T> = {}) {
    this.#options = options;
  }

  open(options: QueueOptions<T> = {}): Promise<MiniQueue<T>> {
    const { fs, clock } = this;
    return MiniQueue.open<T>("/data", {
      ...this.#options,
      ...options,
      fs,
      clock,
    });
  }

  /** As after SIGKILL: nothing is closed, the lock is free, the monotonic clock is another. */
  async reopenKilled(options: QueueOptions<T> = {}): Promise<MiniQueue<T>> {
    this.fs.restart();
    this.clock = this.clock.restarted();
    return await this.open(options);
  }

  async reopenClosed(
    queue: MiniQueue<T>,
    options: QueueOptions<T> = {},
  ): Promise<MiniQueue<T>> {
    await queue.close();
    this.clock = this.clock.restarted();
    return await this.open(options);
  }
}

/** Receives and acknowledges all that can be received now; gives what it carries. */
export async function drain<T, M>(
  queue: MiniQueue<T, unknown, M>,
): Promise<T[]> {
  const payloads: T[] = [];
  for (;;) {
    const message = await queue.receive();
    if (message === undefined) return payloads;
    payloads.push(message.payload);
    await message.ack();
  }
}

/** Makes the write number `at` from now fail, for once or from then on. */
export function fillDisk(
  fs: MemoryFileSystem,
  at = 1,
  isForEver = false,
): void {
  let writes = 0;
  fs.hooks.before = ({ operation }) => {
    if (operation !== "write") return undefined;
    writes++;
    return writes === at || isForEver && writes > at
      ? { code: "ENOSPC" }
      : undefined;
  };
}

/** Lets what is under way continue, without any time passing. */
export async function turns(count = 50): Promise<void> {
  for (let turn = 0; turn < count; turn++) await undefined;
}

/** Runs a handler on one message. */
export async function handling(
  queue: MiniQueue<string>,
  handle: (
    context: HandlerContext,
    message: QueueMessage<string>,
  ) => Promise<void>,
): Promise<void> {
  await queue.enqueue("film");
  await queue.work((message, context) => handle(context, message), {
    until: "empty",
  });
}
