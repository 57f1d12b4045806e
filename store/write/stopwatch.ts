/** Measures the parts of one commit at a time, in milliseconds. */
export class Stopwatch {
  /** When the commit under way began to write. */
  begun: number | undefined;
  #written = 0;
  /** How long the last write took. */
  writeMs = 0;
  /** How long the fsync after it took; 0 if there was none. */
  syncMs = 0;

  /** Notes that a write begins. */
  begin(): void {
    this.begun = performance.now();
    this.syncMs = 0;
  }

  /** Notes that it has ended. */
  written(): void {
    this.#written = performance.now();
    this.writeMs = this.#written - this.begun!;
  }

  /** Notes that the fsync after it has ended. */
  synced(): void {
    this.syncMs = performance.now() - this.#written;
  }
}
