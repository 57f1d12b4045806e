import { assertEquals } from "@std/assert";
import type { TestDirectory } from "./dir.ts";
import { Example, type Program } from "./program.ts";

/** An example that is a service, and what is asked of it. */
export class Service implements AsyncDisposable {
  readonly program: Program;
  readonly #root: string;

  private constructor(program: Program, root: string) {
    this.program = program;
    this.#root = root;
  }

  /** Starts an example in a directory. */
  static async start(
    directory: TestDirectory,
    name: string,
    args: readonly string[],
    env: Readonly<Record<string, string>> = {},
  ): Promise<Service> {
    const program = new Example(name, directory.path).start(args, 0, env);
    const line = await program.line();
    return new Service(program, line.replace("listening on ", ""));
  }

  /** The status, the ETag if there is one, and what is said. */
  async ask(
    request: string,
    body?: string,
    headers: Record<string, string> = {},
  ): Promise<string> {
    const response = await this.fetch(request, body, headers);
    const etag = response.headers.get("etag");
    const parts = [response.status, etag, (await response.text()).trim()];
    return parts.filter((part) => part !== null && part !== "").join(" ");
  }

  /** The response to `METHOD PATH`. */
  fetch(
    request: string,
    body?: string,
    headers: Record<string, string> = {},
  ): Promise<Response> {
    const [method, path] = request.split(" ");
    const init = { method: method!, headers, ...(body && { body }) };
    return fetch(`${this.#root}${path}`, init);
  }

  /** The events after this one, as they come. */
  async events(path: string, after?: number): Promise<Events> {
    const { status, headers, body } = await this.fetch(
      `GET ${path}`,
      undefined,
      {
        accept: "text/event-stream",
        ...(after !== undefined && { "last-event-id": String(after) }),
      },
    );
    assertEquals(status, 200);
    assertEquals(headers.get("content-type"), "text/event-stream");
    return new Events(body!);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.program[Symbol.asyncDispose]();
  }
}

/** A stream of server-sent events. */
export class Events implements AsyncDisposable {
  readonly #reader: ReadableStreamDefaultReader<string>;
  #text = "";

  constructor(body: ReadableStream<Uint8Array<ArrayBuffer>>) {
    this.#reader = body.pipeThrough(new TextDecoderStream()).getReader();
  }

  /** The next one, its lines joined; `undefined` at the end. */
  async next(): Promise<string | undefined> {
    for (;;) {
      const end = this.#text.indexOf("\n\n");
      const event = this.#text.slice(0, end);
      if (end >= 0) this.#text = this.#text.slice(end + 2);
      if (end >= 0 && !event.startsWith(":")) return event.replace("\n", " ");
      if (end >= 0) continue;
      const { value } = await this.#reader.read();
      if (value === undefined) return undefined;
      this.#text += value;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // That of a service that was killed has failed already.
    await this.#reader.cancel().catch(() => {});
  }
}
