/** Runs the newest of many jobs, one at a time: those between are left out. */
export class Latest {
  readonly #job: () => Promise<void>;
  #isRunning = false;
  #isWaiting = false;

  constructor(job: () => Promise<void>) {
    this.#job = job;
  }

  /** Runs the job, once more if it is running already. */
  async run(): Promise<void> {
    this.#isWaiting = true;
    if (this.#isRunning) return;
    this.#isRunning = true;
    try {
      while (this.#isWaiting) {
        this.#isWaiting = false;
        await this.#job();
      }
    } finally {
      this.#isRunning = false;
    }
  }
}
