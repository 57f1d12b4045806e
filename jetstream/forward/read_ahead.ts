import { withResolvers } from "../../base/promise.ts";

/** The room for items that wait. */
interface Room<T> {
  readonly sizeOf: (item: T) => number;
  readonly maxBytes: number;
  readonly maxItems: number;
}

/** Reads on while what was read is sent, so that all that waits is there at once. */
export class ReadAhead<T> {
  readonly #room: Room<T>;
  readonly #items: T[] = [];
  #bytes = 0;
  #end: { readonly error?: unknown } | undefined;
  #isStopped = false;
  #changed = withResolvers<void>();

  constructor(items: AsyncIterable<T>, room: Room<T>) {
    this.#room = room;
    this.#read(items).then(
      () => this.#end = {},
      (error) => this.#end = { error },
    ).then(() => this.#tell());
  }

  async #read(items: AsyncIterable<T>): Promise<void> {
    const { sizeOf } = this.#room;
    for await (const item of items) {
      this.#items.push(item);
      this.#bytes += sizeOf(item);
      this.#tell();
      while (!this.#isStopped && this.#isFull) await this.#changed.promise;
      if (this.#isStopped) break;
    }
  }

  get #isFull(): boolean {
    const { maxBytes, maxItems } = this.#room;
    return this.#bytes >= maxBytes || this.#items.length >= maxItems;
  }

  #tell(): void {
    this.#changed.resolve();
    this.#changed = withResolvers();
  }

  /** Resolves to what waits, in order, once there is something; empty at the end. Throws what ended it, after all that came before. */
  async waiting(): Promise<readonly T[]> {
    while (this.#items.length === 0) {
      if (this.#end !== undefined) {
        if ("error" in this.#end) throw this.#end.error;
        return [];
      }
      await this.#changed.promise;
    }
    return this.#items;
  }

  /** Reads no further. What it reads from must end its waiting by itself. */
  stop(): void {
    this.#isStopped = true;
    this.#tell();
  }

  /** Takes the first of those that wait. */
  take(many: number): T[] {
    const taken = this.#items.splice(0, many);
    for (const item of taken) this.#bytes -= this.#room.sizeOf(item);
    this.#tell();
    return taken;
  }
}
