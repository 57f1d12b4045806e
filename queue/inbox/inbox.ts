import { hasCode, MiniError } from "../../base/errors.ts";
import { Mutex } from "../../base/mutex.ts";
import { messageOf } from "../../base/reason.ts";
import { fromOs } from "../../fs/os_errors.ts";
import type { LedgerLog } from "../ledger_log.ts";
import type { CheckedOptions, MessageInput } from "../options.ts";
import type { Producer } from "../producer.ts";
import { producerOf } from "./file.ts";
import type { InboxFolder } from "./folder.ts";
import type { Source } from "../source.ts";
import { Lookout } from "./lookout.ts";

/** The most files that one look takes in. */
const MAX_FILES = 256;

/** The most names that a listing keeps: the next one continues after them, so that a folder of any size takes little memory. */
const MAX_NAMES = 2_048;

/** The most bytes of the entries that one look makes, or one file: they share a commit, so that none is enqueued where one before it fails. */
const MAX_BYTES = 1024 * 1024;

/** About what a message grows by in the entry: its id, and the name of its file. */
const GROWTH_BYTES = 128;

/** How long to leave alone a file that cannot be read or removed, in milliseconds. */
const RETRY_MS = 60_000;

/** The messages of a file. */
interface File<T> {
  readonly name: string;
  readonly messages: readonly MessageInput<T>[];
}

/**
 * Takes in what other processes post. The ledger knows a file, by its name, from
 * the entry with its messages until the removal of the file is durable, so that
 * the messages are in the ledger once.
 */
export class Inbox<T, M> implements Source {
  readonly #folder: InboxFolder;
  readonly #log: LedgerLog<T, M>;
  readonly #producer: Producer<T, M>;
  readonly #options: CheckedOptions<T>;
  readonly #lookout: Lookout;
  readonly #mutex = new Mutex();
  /** The names that the last listing has found and that are not yet looked at, in reverse order. */
  #names: string[] = [];
  /** The name after which the next listing continues; empty if the last one has shown the end. */
  #listedTo = "";
  /** The files that cannot be read or removed, and when to try again, by the monotonic clock. */
  readonly #stuck = new Map<string, number>();
  /** The producers of which a listing has shown a file that cannot be read for now: the later ones wait for it, until listing begins again. */
  readonly #held = new Set<string>();
  /** The files whose removal may be lost: after a failed sync, a later one proves nothing. */
  readonly #doubtful = new Set<string>();
  /** The last complaint about the folder, until a look succeeds. */
  #trouble: string | undefined;
  #isEnded = false;

  constructor(
    folder: InboxFolder,
    { log, producer, options, onHint }: {
      readonly log: LedgerLog<T, M>;
      readonly producer: Producer<T, M>;
      readonly options: CheckedOptions<T>;
      readonly onHint: () => void;
    },
  ) {
    this.#folder = folder;
    this.#log = log;
    this.#producer = producer;
    this.#options = options;
    this.#lookout = new Lookout(folder, options.clock, onHint);
  }

  get next(): number {
    return this.#lookout.next;
  }

  wait(): () => void {
    return this.#lookout.wait();
  }

  /**
   * Takes in a limited number of files, those of each producer in order. What
   * fails is told, and tried again later.
   */
  look(): Promise<void> {
    return this.#mutex.run(async () => {
      if (this.#isEnded || this.#log.failure !== undefined) return;
      this.#lookout.looks();
      try {
        if (this.#names.length === 0) await this.#list();
        await this.#takeIn();
        this.#trouble = undefined;
        if (this.#names.length > 0) this.#lookout.hint();
      } catch (error) {
        this.#names = [];
        this.#listedTo = "";
        this.#complain(error);
      }
    });
  }

  end(): Promise<void> {
    this.#isEnded = true;
    return this.#mutex.run(() => {});
  }

  /** Lists the next names that are there. Forgets what is gone. */
  async #list(): Promise<void> {
    const { inbox = {} } = await this.#log.readable();
    const isLeft = (name: string) =>
      !Object.hasOwn(inbox, name) && !this.#isStuck(name);
    let names = await this.#listAfter(this.#listedTo, isLeft);
    if (names.length === 0 && this.#listedTo !== "") {
      names = await this.#listAfter("", isLeft);
    }
    await this.#forget(Object.keys(inbox));
    const isCut = names.length > MAX_NAMES;
    if (isCut) names.length = MAX_NAMES;
    this.#listedTo = isCut ? names.at(-1)! : "";
    this.#names = names.reverse();
  }

  /**
   * The first names after one, in order: all of them, or more than a listing
   * keeps. Of two files that are put there while it is listed, a system may show
   * only the later one. So it is listed twice: what a producer has posted
   * before a file that the first listing shows is there when the second begins.
   */
  async #listAfter(
    after: string,
    isLeft: (name: string) => boolean,
  ): Promise<string[]> {
    if (after === "") this.#held.clear();
    const last = new Map<string, string>();
    for (const name of await this.#firstAfter(after, isLeft)) {
      last.set(producerOf(name), name);
    }
    if (last.size === 0) return [];
    const names = await this.#firstAfter(after, isLeft);
    return names.filter((name) => name <= (last.get(producerOf(name)) ?? ""));
  }

  /** Lists once. */
  async #firstAfter(
    after: string,
    isLeft: (name: string) => boolean,
  ): Promise<string[]> {
    const gone = new Set(this.#stuck.keys());
    // A system may show a name twice.
    let names = new Set<string>();
    for await (const name of this.#folder.names()) {
      gone.delete(name);
      if (name <= after || !isLeft(name)) continue;
      names.add(name);
      if (names.size === 2 * MAX_NAMES) {
        names = new Set([...names].sort().slice(0, MAX_NAMES + 1));
      }
    }
    for (const name of gone) this.#stuck.delete(name);
    return [...names].sort();
  }

  async #takeIn(): Promise<void> {
    const files = await this.#read();
    // A clock that throws is not the fault of a message.
    this.#log.now();
    const enqueued = files.map(({ name, messages }) =>
      this.#enqueue(name, messages)
    );
    const outcomes = await Promise.all(enqueued);
    const taken: string[] = [];
    const failures: unknown[] = [];
    for (const [index, outcome] of outcomes.entries()) {
      const { name } = files[index]!;
      if (outcome === "enqueued") taken.push(name);
      else if (outcome.isRefusal) {
        await this.#refuse(name, messageOf(outcome.error), outcome.error);
      } else failures.push(outcome.error);
    }
    await this.#forget(taken);
    if (failures.length > 0) throw failures[0];
  }

  /** Enqueues the messages of a file. Those of one turn share entries, and a commit. */
  async #enqueue(
    name: string,
    messages: readonly MessageInput<T>[],
  ): Promise<"enqueued" | { isRefusal: boolean; error: unknown }> {
    let entered: Promise<unknown>;
    try {
      entered = this.#producer.enqueuePosted(name, messages);
    } catch (error) {
      return { isRefusal: true, error };
    }
    try {
      await entered;
      return "enqueued";
    } catch (error) {
      return { isRefusal: isTooLarge(error), error };
    }
  }

  /** Reads the next files, and refuses what is no message. */
  async #read(): Promise<File<T>[]> {
    const files: File<T>[] = [];
    let bytes = 0;
    for (let count = 0; count < MAX_FILES && bytes < MAX_BYTES; count++) {
      const name = this.#names.pop();
      if (name === undefined) break;
      const found = this.#held.has(producerOf(name))
        ? undefined
        : await this.#readOne(name);
      if (found === undefined) continue;
      bytes += found.sizeBytes;
      if ("messages" in found) {
        const messages = found.messages as readonly MessageInput<T>[];
        bytes += GROWTH_BYTES * messages.length;
        if (bytes > MAX_BYTES && files.length > 0) {
          this.#names.push(name);
          break;
        }
        files.push({ name, messages });
      } else if ("flaw" in found) await this.#refuse(name, found.flaw);
      else this.#leave(name, newer(this.#folder.at(name), found.version));
    }
    return files;
  }

  async #readOne(name: string): ReturnType<InboxFolder["read"]> {
    try {
      return await this.#folder.read(name);
    } catch (thrown) {
      const error = this.#failed(thrown, name, "take in");
      const isRefused = error.code === "PERMISSION";
      this.#leave(name, error, isRefused ? RETRY_MS : 0);
      if (!isRefused) this.#held.add(producerOf(name));
      return undefined;
    }
  }

  /** Removes files whose messages are in the ledger, and lets it forget those whose removal is durable. */
  async #forget(names: readonly string[]): Promise<void> {
    const removed: string[] = [];
    for (const name of names) {
      if (this.#isStuck(name) || this.#doubtful.has(name)) continue;
      try {
        await this.#folder.remove(name);
        removed.push(name);
      } catch (error) {
        this.#leave(name, this.#failed(error, name, "remove"));
      }
    }
    try {
      await this.#folder.sync();
    } catch (error) {
      for (const name of removed) this.#doubtful.add(name);
      throw error;
    }
    if (removed.length > 0) await this.#log.enter({ gone: removed }, false);
  }

  /** Moves a file to those that are no message, and tells. */
  async #refuse(name: string, why: string, cause?: unknown): Promise<void> {
    const path = this.#folder.at(name);
    const what = `Cannot take in "${path}": ${why}`;
    const code = cause instanceof MiniError ? cause.code : "UNSUPPORTED_FORMAT";
    try {
      const to = await this.#folder.refuse(name);
      const message = `${what}; it was moved to "${to}"`;
      this.#options.onError(new MiniError(code, message, { cause, path: to }));
    } catch (error) {
      const message =
        `${what}; it cannot be moved to the refused files, and is passed over (${
          messageOf(error)
        })`;
      const options = { cause: error, path };
      this.#leave(name, new MiniError(code, message, options));
    }
  }

  /** Leaves a file alone for a while. Tells so for the first time. */
  #leave(name: string, error: MiniError, forMs = RETRY_MS): void {
    if (!this.#stuck.has(name)) this.#options.onError(error);
    this.#stuck.set(name, this.#now() + forMs);
  }

  #isStuck(name: string): boolean {
    return (this.#stuck.get(name) ?? -Infinity) > this.#now();
  }

  #now(): number {
    return this.#options.clock.monotonic();
  }

  #failed(error: unknown, name: string, doing: string): MiniError {
    const { path: directory } = this.#folder;
    const path = this.#folder.at(name);
    const after = doing === "remove"
      ? "its messages are enqueued, once, and it is passed over"
      : "nothing of it is lost, and it is tried again";
    return fromOs(error, `${doing} "${path}"`, after, { directory, path });
  }

  /** Tells why nothing more can be taken in for now, unless that was told. */
  #complain(thrown: unknown): void {
    const { path } = this.#folder;
    const doing = `take in what is in "${path}"`;
    const after = "nothing of it is lost, and it is tried again";
    const error = fromOs(thrown, doing, after, { directory: path, path });
    if (error.code === "CLOSED" || this.#trouble === error.message) return;
    this.#trouble = error.message;
    this.#options.onError(error);
  }
}

function isTooLarge(error: unknown): boolean {
  return hasCode(error, "TOO_LARGE");
}

function newer(path: string, version: number): MiniError {
  return new MiniError(
    "UNSUPPORTED_FORMAT",
    `Cannot take in "${path}": it has version ${version}, and this code knows version 1; it stays there, for a newer version of this package`,
    { path },
  );
}
