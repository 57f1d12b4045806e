import type { MiniError } from "../../base/errors.ts";
import type { CommittedEnd } from "../read/segment_reader.ts";
import type { Writer } from "./writer.ts";

/** The end of what is durable, for those who read nothing that a crash may take back. */
export class DurableEnd implements CommittedEnd {
  readonly #writer: Writer;

  constructor(writer: Writer) {
    this.#writer = writer;
  }

  get sequence(): number {
    return this.#writer.durableSequence;
  }

  get base(): number {
    return this.#writer.base;
  }

  limitOf(base: number): number {
    return this.#writer.durableLimitOf(base);
  }

  get changed(): Promise<void> {
    return this.#writer.changed;
  }

  get isEnded(): boolean {
    return this.#writer.isEnded;
  }

  get failure(): MiniError | undefined {
    return this.#writer.failure;
  }
}
