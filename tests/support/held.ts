import type { FileHandle, FileSystem } from "@mini/state/store";
import type { FileSystemCall } from "@mini/state/testing";

type Operation = FileSystemCall["operation"];

/** A call that has been held. */
export interface Held {
  /** Resolves when the call is done, and its caller waits to hear of it. */
  readonly reached: Promise<void>;
  /** Lets the caller hear of it. */
  release(): void;
}

/** A file system whose calls can be held: what they do is done, and their caller waits. */
export class HoldingFileSystem {
  readonly fs: FileSystem;
  readonly #waiting = new Map<
    string,
    { reach: () => void; released: Promise<void> }
  >();

  constructor(fs: FileSystem) {
    this.fs = this.#wrap(fs);
  }

  /** Holds the next call of this kind. */
  hold(operation: Operation): Held {
    let reach = () => {};
    let release = () => {};
    const reached = new Promise<void>((resolve) => reach = resolve);
    const released = new Promise<void>((resolve) => release = resolve);
    this.#waiting.set(operation, { reach, released });
    return { reached, release };
  }

  #wrap<T extends object>(target: T): T {
    return new Proxy(target, {
      get: (_, name) => {
        const member = Reflect.get(target, name, target);
        if (typeof member !== "function") return member;
        if (name === "watch") return member.bind(target);
        return (...args: unknown[]) =>
          this.#call(String(name), () => member.apply(target, args));
      },
    });
  }

  async #call(operation: string, make: () => Promise<unknown>) {
    const called = make();
    // Its caller hears of a failure, and late.
    called.catch(() => {});
    const held = this.#waiting.get(operation);
    this.#waiting.delete(operation);
    held?.reach();
    await held?.released;
    const result = await called;
    return operation === "open" || operation === "create"
      ? this.#wrap(result as FileHandle)
      : result;
  }
}
