import type { Failed, Problem } from "./api_types.ts";

/** An answer as JSON. */
export function json(value: unknown, status = 200): Response {
  return whole(JSON.stringify(value), "application/json", status);
}

/** An answer that is sent in one piece. */
export function whole(text: string, type: string, status = 200): Response {
  const body = new TextEncoder().encode(text);
  const headers = { "content-type": type, "content-length": `${body.length}` };
  return new Response(body, { status, headers });
}

/** The answer where what was asked for cannot be given. */
export function failed(status: number, problem: Problem): Response {
  return json({ error: problem } satisfies Failed, status);
}

/** Nothing may be loaded, kept, embedded or passed on. */
export function harden(response: Response, policy: string): Response {
  const { headers } = response;
  headers.set("content-security-policy", policy);
  headers.set("cache-control", "no-store");
  headers.set("cross-origin-opener-policy", "same-origin");
  headers.set("cross-origin-resource-policy", "same-origin");
  headers.set("referrer-policy", "no-referrer");
  headers.set("x-content-type-options", "nosniff");
  return response;
}

/**
 * Texts that are sent as they come, and no faster than they are read. They end
 * when the server cancels their body, as it does when nobody reads any more.
 */
export class Texts {
  readonly #texts: AsyncGenerator<string, void, undefined>;
  readonly #stop: AbortController;
  readonly #onEnd: () => void;
  /** The texts that were read before they were sent. */
  readonly #begun: string[];
  readonly #encoder = new TextEncoder();
  #controller: ReadableStreamDefaultController | undefined;
  #ending: Promise<void> | undefined;
  readonly body: ReadableStream<Uint8Array<ArrayBuffer>>;

  /**
   * @param stop Aborted when nobody reads any more.
   * @param begun The texts that were taken from `texts` already.
   */
  constructor(
    texts: AsyncGenerator<string, void, undefined>,
    stop: AbortController,
    onEnd: (texts: Texts) => void,
    begun: readonly string[] = [],
  ) {
    this.#texts = texts;
    this.#begun = [...begun];
    this.#stop = stop;
    this.#onEnd = () => onEnd(this);
    this.body = new ReadableStream({
      start: (controller) => {
        this.#controller = controller;
      },
      pull: () => this.#pull(),
      cancel: () => {
        this.#controller = undefined;
        return this.end();
      },
    }, { highWaterMark: 0 });
  }

  async #pull(): Promise<void> {
    try {
      const text = this.#begun.shift() ?? (await this.#texts.next()).value;
      if (text === undefined) await this.end();
      else this.#controller?.enqueue(this.#encoder.encode(text));
    } catch (error) {
      this.#controller?.error(error);
      this.#controller = undefined;
      await this.end();
    }
  }

  /** Ends them; resolves when nothing is read for them any more. */
  end(): Promise<void> {
    return this.#ending ??= this.#end();
  }

  async #end(): Promise<void> {
    this.#stop.abort();
    try {
      await this.#texts.return();
    } finally {
      this.#controller?.close();
      this.#controller = undefined;
      this.#onEnd();
    }
  }
}
