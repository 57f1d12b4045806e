/**
 * The line of the next record, begun while nobody knows the rest of it: that the
 * reader of a pipe has gone shows only to who writes into it, and to write
 * nothing shows nothing. A reader of lines sees no difference.
 */
export class NextLine {
  readonly #write: (text: string) => Promise<void>;
  readonly #isJson: boolean;
  #begun = "";
  #looks = 0;

  constructor(write: (text: string) => Promise<void>, isJson: boolean) {
    this.#write = write;
    this.#isJson = isJson;
  }

  /** Writes a character more, less often the longer it lasts. Rejects with `EPIPE` once nobody reads. */
  async wait(next: number): Promise<void> {
    const looks = ++this.#looks;
    const known = this.#isJson ? JSON_START : `${next}\t`;
    const more = known.startsWith(this.#begun)
      ? known.charAt(this.#begun.length)
      : "";
    const isPowerOf2 = (looks & (looks - 1)) === 0;
    if (more === "" || !isPowerOf2) return;
    this.#begun += more;
    await this.#write(more);
  }

  /** The rest of a line to write. */
  rest(line: string): string {
    const begun = this.#begun;
    this.#begun = "";
    this.#looks = 0;
    // Compaction has passed the record by: its number stands alone.
    return line.startsWith(begun) ? line.slice(begun.length) : `\n${line}`;
  }

  /** Ends a line that was begun, where none will come. */
  async end(): Promise<void> {
    const begun = this.#begun;
    this.#begun = "";
    if (begun === "") return;
    await this.#write(
      this.#isJson ? `${JSON_START.slice(begun.length)}null}\n` : "\n",
    );
  }
}

/** The start of every line. */
const JSON_START = '{"seq":';
