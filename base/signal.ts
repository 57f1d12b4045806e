import { withResolvers } from "./promise.ts";

/** Something that happens again and again, and can be waited for. */
export class Signal {
  #next: PromiseWithResolvers<void> | undefined;

  /** Resolves the next time that it happens. */
  get next(): Promise<void> {
    return (this.#next ??= withResolvers()).promise;
  }

  /** Lets it happen. */
  fire(): void {
    this.#next?.resolve();
    this.#next = undefined;
  }
}
