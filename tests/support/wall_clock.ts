/** The wall clock of this process, until it is disposed of. */
export class WallClock implements Disposable {
  readonly #real = Date.now;
  /** The time that it shows, in milliseconds since 1970. */
  ms: number;

  constructor(ms: number = Date.UTC(2026, 0, 1)) {
    this.ms = ms;
    Date.now = () => this.ms;
  }

  [Symbol.dispose](): void {
    Date.now = this.#real;
  }
}
