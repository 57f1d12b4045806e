import type { IncomingMessage, ServerResponse } from "node:http";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { ReadableStream } from "node:stream/web";

/** Answers a request of `node:http`, or of Express, by a function of a `Request`: as docs/OPERATIONS.md says. */
export async function answer(
  fetch: (request: Request) => Promise<Response>,
  req: IncomingMessage & { originalUrl?: string },
  res: ServerResponse,
): Promise<void> {
  const url = `http://${req.headers.host}${req.originalUrl ?? req.url}`;
  const { method = "GET", headers } = req;
  const body = method === "POST"
    ? { body: Readable.toWeb(req), duplex: "half" }
    : {};
  const init = { method, headers, ...body };
  const response = await fetch(new Request(url, init as RequestInit));
  res.writeHead(response.status, Object.fromEntries(response.headers));
  if (response.body === null) return void res.end();
  const stream = Readable.fromWeb(response.body as ReadableStream);
  // It fails where nobody reads any more.
  await pipeline(stream, res).catch(() => {});
}
