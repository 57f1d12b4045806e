import type { FileHandle, FileSystem } from "@mini/state/store";

/** The file system of a process that is killed at one of its calls: neither it nor any later one returns. */
export class DyingFileSystem {
  readonly fs: FileSystem;
  readonly #at: number;
  readonly #killed = Promise.withResolvers<void>();
  #calls = 0;

  /** @param at The number of the call at which it is killed, from 1; that call is done still. */
  constructor(fs: FileSystem, at: number) {
    this.#at = at;
    this.fs = this.#wrap(fs);
  }

  /** Resolves when it is killed. */
  get killed(): Promise<void> {
    return this.#killed.promise;
  }

  #wrap<T extends object>(target: T): T {
    return new Proxy(target, {
      get: (_, name) => {
        const member = Reflect.get(target, name, target);
        if (typeof member !== "function") return member;
        return (...args: unknown[]) =>
          this.#call(() => member.apply(target, args));
      },
    });
  }

  async #call(make: () => Promise<unknown>): Promise<unknown> {
    const index = ++this.#calls;
    const never = new Promise<never>(() => {});
    if (index > this.#at) return await never;
    const called = make();
    if (index === this.#at) {
      await called.catch(() => {});
      this.#killed.resolve();
      return await never;
    }
    const result = await called;
    const isHandle = typeof result === "object" && result !== null &&
      "close" in result;
    return isHandle ? this.#wrap(result as FileHandle) : result;
  }
}
