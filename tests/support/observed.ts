import { instrument } from "@mini/state/otel";
import { MiniQueue, type QueueOptions } from "@mini/state/queue";
import { MemoryFileSystem } from "@mini/state/testing";
import { FakeMeter, FakeTracer } from "./telemetry.ts";

/** A queue, and everything that is made of what it does. */
export class ObservedQueue implements AsyncDisposable {
  readonly queue: MiniQueue<string>;
  readonly tracer: FakeTracer = new FakeTracer();
  readonly meter: FakeMeter = new FakeMeter();
  readonly #instrumented: Disposable;

  private constructor(queue: MiniQueue<string>) {
    this.queue = queue;
    this.#instrumented = instrument({ tracer: this.tracer, meter: this.meter });
  }

  /** Opens it in memory, as `/jobs`. Its opening is not observed. */
  static async open(
    options: QueueOptions<string> = {},
  ): Promise<ObservedQueue> {
    const fs = new MemoryFileSystem();
    return new ObservedQueue(await MiniQueue.open("/jobs", { fs, ...options }));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#instrumented[Symbol.dispose]();
    await this.queue.close();
  }
}
