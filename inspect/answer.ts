import type { ServerResponse } from "node:http";
import { explain } from "../admin/finding.ts";
import { type Api, BadQuery } from "./api.ts";
import { withNextStep } from "./next_step.ts";

/** Answers one request of the page. */
export function answer(
  api: Api,
  path: string,
  response: ServerResponse,
): void {
  const gone = new AbortController();
  response.on("close", () => gone.abort());
  reply(api, path, response, gone.signal).catch((error) => {
    if (gone.signal.aborted) return;
    if (response.headersSent) return void response.end();
    // What the journal has to say for itself is an answer.
    const status = error instanceof BadQuery ? 400 : 200;
    sendJson(response, status, { error: withNextStep(explain(error)) });
  });
}

async function reply(
  api: Api,
  path: string,
  response: ServerResponse,
  signal: AbortSignal,
): Promise<void> {
  const { pathname, searchParams } = new URL(path, "http://page/");
  const name = /^\/api\/([a-z]+)$/.exec(pathname)?.[1] ?? "";
  const query = Object.fromEntries(searchParams);
  if (name === "live") {
    const stream = new LineStream(response, "text/event-stream");
    // Tells the page that the watch has begun, before there is any news.
    await stream.write(": watching\n\n");
    return await api.watch(
      signal,
      (news) => stream.write(`data: ${JSON.stringify(news)}\n\n`),
    );
  }
  if (name === "search") {
    const stream = new LineStream(response, "application/x-ndjson");
    await api.search(
      query,
      signal,
      (told) => stream.write(`${JSON.stringify(told)}\n`),
    );
    return void response.end();
  }
  const answered = api.get(name, query, signal);
  if (answered === undefined) {
    return sendJson(response, 404, { error: { message: "not found" } });
  }
  sendJson(response, 200, await answered);
}

function sendJson(
  response: ServerResponse,
  status: number,
  value: unknown,
): void {
  response.writeHead(status, { "content-type": "application/json" });
  response.end(JSON.stringify(value));
}

/** Sends text as it comes, and no faster than it is read. */
class LineStream {
  readonly #response: ServerResponse;
  readonly #type: string;

  constructor(response: ServerResponse, type: string) {
    this.#response = response;
    this.#type = type;
  }

  async write(text: string): Promise<void> {
    const response = this.#response;
    if (!response.headersSent) {
      response.writeHead(200, {
        "content-type": `${this.#type}; charset=utf-8`,
      });
    }
    if (response.write(text) || response.destroyed) return;
    await new Promise<void>((resolve) => {
      response.once("drain", resolve);
      response.once("close", resolve);
    });
  }
}
