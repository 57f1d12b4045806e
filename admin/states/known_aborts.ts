import { Aborts } from "../../state/internal.ts";
import type { LogReader } from "../../state/mod.ts";
import { MiniError } from "../../base/errors.ts";

/**
 * Which records have no effect: learnt by reading the log once, then as much of
 * it as has come since.
 */
export class KnownAborts {
  #seqs: readonly number[] = [];
  /** They are known of this record and all behind it, */
  #from = Infinity;
  /** as far as the log went then. */
  #to = 0;
  /** Whether a damage has kept from reading on: behind it may stand that a record was aborted. */
  isCut = false;

  /** Forgets everything: the log is another. */
  clear(): void {
    this.#seqs = [];
    this.#from = Infinity;
    this.#to = 0;
    this.isCut = false;
  }

  /** The known aborts of a log from record `from` on, and the first that was not known before. */
  async of(
    log: LogReader<unknown>,
    isRust: boolean,
    from: number,
  ): Promise<{ aborts: Aborts; firstNew: number }> {
    // What is damaged may have been mended.
    if (this.isCut) this.clear();
    const aborts = new Aborts(log, isRust);
    if (from >= this.#from) {
      const since = new Aborts(log, isRust);
      await this.#learn(since, this.#to);
      for (const seq of [...this.#seqs, ...since.all]) aborts.add(seq);
      aborts.knowFrom(this.#from);
    } else {
      await this.#learn(aborts, from);
      aborts.knowFrom(from);
      this.#from = from;
    }
    this.#to = log.sequence;
    const known = new Set(this.#seqs);
    this.#seqs = aborts.all;
    const firstNew = this.#seqs.find((seq) => !known.has(seq)) ?? Infinity;
    return { aborts, firstNew };
  }

  async #learn(aborts: Aborts, from: number): Promise<void> {
    try {
      await aborts.learnFrom(from);
    } catch (error) {
      const isDamage = error instanceof MiniError && error.code === "CORRUPT";
      if (!isDamage) throw error;
      this.isCut = true;
    }
  }
}
