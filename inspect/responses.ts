import { onAbort } from "../base/abort.ts";
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

/** Texts that are sent as they come, and no faster than they are read. */
export class Texts {
  readonly #texts: AsyncGenerator<string, void, undefined>;
  readonly #stop: AbortController;
  readonly #onEnd: () => void;
  #ending: Promise<void> | undefined;
  readonly body: ReadableStream<Uint8Array<ArrayBuffer>>;

  /** @param stop Aborted when nobody reads any more. */
  constructor(
    texts: AsyncGenerator<string, void, undefined>,
    stop: AbortController,
    onEnd: (texts: Texts) => void,
  ) {
    this.#texts = texts;
    this.#stop = stop;
    this.#onEnd = () => onEnd(this);
    const encoder = new TextEncoder();
    let isOver = false;
    this.body = new ReadableStream({
      start: (controller) => {
        const letGo = onAbort(stop.signal, () => {
          letGo();
          this.end().then(() => {
            if (!isOver) controller.close();
            isOver = true;
          }, () => {});
        });
      },
      pull: async (controller) => {
        try {
          const { done, value } = await texts.next();
          if (isOver) return;
          if (!done) return controller.enqueue(encoder.encode(value));
          isOver = true;
          controller.close();
          await this.end();
        } catch (error) {
          if (!isOver) controller.error(error);
          isOver = true;
          await this.end();
        }
      },
      cancel: async () => {
        isOver = true;
        await this.end();
      },
    }, { highWaterMark: 0 });
  }

  /** Stops them; resolves when nothing is read for them any more. */
  end(): Promise<void> {
    return this.#ending ??= this.#end();
  }

  async #end(): Promise<void> {
    this.#stop.abort();
    try {
      await this.#texts.return();
    } finally {
      this.#onEnd();
    }
  }
}
