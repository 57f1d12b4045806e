/** Something that happens again and again, and can be waited for. */
export class Signal {
  #fire!: () => void;
  /** Resolves the next time that it happens. */
  next!: Promise<void>;

  constructor() {
    this.#renew();
  }

  /** Lets it happen. */
  fire(): void {
    const happened = this.#fire;
    this.#renew();
    happened();
  }

  #renew(): void {
    this.next = new Promise((resolve) => this.#fire = resolve);
  }
}
