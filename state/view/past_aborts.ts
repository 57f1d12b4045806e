import type { LogReader } from "../../store/mod.ts";
import { Aborts } from "../aborts.ts";

/** The view that a reader reads beside. */
interface View {
  /** The record after which the view knows every abort. */
  readonly from: number;
}

/**
 * Which records have no effect, for a reader that may begin before the state of
 * a view does: the view itself knows of those after its snapshot.
 */
export class PastAborts {
  readonly #log: LogReader<unknown>;
  /** Those that the view knows. */
  readonly #known: Aborts;
  readonly #view: View;
  #past: Aborts | undefined;
  /** The last record that the past is known of. */
  #to = 0;

  constructor(
    { log, aborts }: {
      readonly log: LogReader<unknown>;
      readonly aborts: Aborts;
    },
    view: View,
  ) {
    this.#log = log;
    this.#known = aborts;
    this.#view = view;
  }

  has(seq: number): boolean {
    return seq <= this.#to ? this.#past!.has(seq) : this.#known.has(seq);
  }

  /** Returns a function that finds out about a record. */
  learning(): (seq: number) => Promise<void> {
    return async (seq) => {
      const { from } = this.#view;
      if (seq > from || seq <= this.#to) return;
      this.#past = new Aborts(this.#log, this.#known.isRust);
      await this.#past.learnFrom(seq);
      this.#to = from;
    };
  }
}
