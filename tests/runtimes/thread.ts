/** Threads of one process, each of which runs a mode of the suite: those of `node:worker_threads`, and those of the web. */
import { once } from "node:events";
import process from "node:process";
import {
  isMainThread,
  parentPort,
  Worker as NodeWorker,
  workerData,
} from "node:worker_threads";

/** A way to start a thread. */
export type Kind = "node" | "web";

/** Deno and Bun have the threads of the web as well. */
export const KINDS: readonly Kind[] = "Deno" in globalThis ||
    process.versions["bun"] !== undefined
  ? ["node", "web"]
  : ["node"];

/** The end of the address of a thread of the web. */
const WEB = "#web";

/** Told by a thread of the web that now takes its arguments. */
const READY = "ready";

/** The part of the global scope of a thread of the web that this uses. */
interface WebScope {
  onmessage: (event: { readonly data: string[] }) => void;
  postMessage(line: string): void;
}

const scope = globalThis as unknown as WebScope;

/** The module that runs the modes of the suite, and whether this is a thread of the web. */
let main = "";
let isWeb = false;

/** Runs it with the directory and the mode that this process, or thread, was given. Its threads will run the same module. */
export async function start(
  module: string,
  run: (args: string[]) => Promise<void>,
): Promise<void> {
  const { hash } = new URL(module);
  main = module;
  // In Bun the threads of the web know no hash; in Deno they may take themselves for the main thread.
  isWeb = hash === WEB || !isMainThread && !Array.isArray(workerData);
  if (isWeb) {
    scope.onmessage = ({ data }) => run(data);
    return scope.postMessage(READY);
  }
  await run(isMainThread ? process.argv.slice(2) : workerData);
}

/** Sends a line to the thread that has started this one. */
export function tell(line: string): void {
  if (isWeb) scope.postMessage(line);
  else parentPort!.postMessage(line);
}

/** A thread that runs, and what it tells meanwhile. */
export class Thread {
  readonly #worker: Worker | NodeWorker;
  readonly #lines: string[] = [];
  #failure: Error | undefined;
  #wake = () => {};

  /** Starts a mode of the suite. */
  constructor(kind: Kind, dir: string, mode: string) {
    const told = (line: string) => {
      this.#lines.push(line);
      this.#wake();
    };
    const failed = (error: { readonly message: string }) => {
      this.#failure = new Error(`A thread failed: ${error.message}`);
      this.#wake();
    };
    if (kind === "node") {
      this.#worker = new NodeWorker(new URL(main), { workerData: [dir, mode] })
        .on("message", told)
        .on("error", failed);
    } else {
      this.#worker = new Worker(main + WEB, { type: "module" });
      this.#worker.onmessage = ({ data }) =>
        data === READY ? this.#worker.postMessage([dir, mode]) : told(data);
      this.#worker.onerror = failed;
    }
  }

  /** Everything that it has told since the last call; waits for a line. */
  async lines(): Promise<string[]> {
    while (this.#lines.length === 0) {
      if (this.#failure !== undefined) throw this.#failure;
      await new Promise<void>((resolve) => this.#wake = resolve);
    }
    return this.#lines.splice(0);
  }

  /** Waits until it has ended by itself. */
  async ended(): Promise<void> {
    if (this.#worker instanceof NodeWorker) await once(this.#worker, "exit");
  }

  /** Ends it wherever it is. Gives the lines that nobody has taken. */
  async terminate(): Promise<string[]> {
    await this.#worker.terminate();
    return this.#lines.splice(0);
  }
}
