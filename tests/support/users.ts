import { TextLineStream } from "@std/streams/text-line-stream";
import { denoArgs } from "./system.ts";

/** An act of a user, of one group. */
export interface Order {
  readonly uid: number;
  readonly gid: number;
  readonly umask?: number;
  /** Posts to a queue; opens it; opens it, and receives and acknowledges all there is; writes a file that nobody else may read. */
  readonly act: "post" | "open" | "receive" | "write";
  readonly dir: string;
  readonly file?: string;
}

/** The result of an act. */
export interface Outcome {
  readonly messages: readonly string[];
  /** The errors that `onError` was given. */
  readonly told: readonly { readonly code: string; readonly message: string }[];
  /** The code of the error with which it ended. */
  readonly refusal?: string;
}

/** A process that acts as other users, which a process of root may. */
export class Users implements AsyncDisposable {
  readonly #child = new Deno.Command(Deno.execPath(), {
    args: denoArgs("other_user.ts"),
    stdin: "piped",
    stdout: "piped",
  }).spawn();
  readonly #orders = this.#child.stdin.getWriter();
  readonly #outcomes: ReadableStreamDefaultReader<string> = this.#lines();

  #lines(): ReadableStreamDefaultReader<string> {
    const lines: ReadableStream<string> = this.#child.stdout
      .pipeThrough(new TextDecoderStream()).pipeThrough(new TextLineStream());
    return lines.getReader();
  }

  /** Has a user act. */
  async act(order: Order): Promise<Outcome> {
    await this.#orders.write(
      new TextEncoder().encode(`${JSON.stringify(order)}\n`),
    );
    const { value } = await this.#outcomes.read();
    if (value === undefined) throw new Error("the process has ended");
    return JSON.parse(value);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#orders.close();
    await this.#outcomes.cancel();
    await this.#child.status;
  }
}
