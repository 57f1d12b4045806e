import { concat } from "../base/bytes.ts";

/** Answers requests. */
type Fetch = (request: Request) => Promise<Response>;

/** The most bytes of a request: more than any action takes. */
const MAX_BODY_BYTES = 8_000_000;

/** The part of a request of `node:http`, `node:https` or Express that a page needs. */
export interface NodeRequest extends AsyncIterable<Uint8Array> {
  /** The method; `GET` if it is left out. */
  readonly method?: string | undefined;
  /** The path and the query. */
  readonly url?: string | undefined;
  /** The whole path, where `url` is what stands below the one that Express mounts at. */
  readonly originalUrl?: string | undefined;
  /** The headers, by their names in lower case. */
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  /** The connection, which is encrypted if it has a field `encrypted`. */
  readonly socket: object;
}

/** The part of a response of `node:http`, `node:https` or Express that a page needs. */
export interface NodeResponse {
  /** Whether nobody reads any more. */
  readonly destroyed: boolean;
  /** Whether status and headers were sent. */
  readonly headersSent: boolean;
  /** Sends status and headers. */
  writeHead(status: number, headers?: Record<string, string>): unknown;
  /** Sends part of the body; `false` if `drain` should be awaited before the next. */
  write(part: Uint8Array): boolean;
  /** Ends the body. */
  end(): unknown;
  /** Closes the connection. */
  destroy(): unknown;
  /** Calls a listener at each event. */
  on(event: "close" | "drain", listener: () => void): unknown;
}

/**
 * Makes an inspector a listener of `node:http` and `node:https`, and a handler of
 * Express. It sends an answer no faster than it is read, and stops making it when
 * nobody reads any more. No parser of bodies may come before it.
 *
 * A request that makes no sense is answered with 400; one of over 8 MB is cut off.
 *
 * @param inspector The page.
 * @returns The listener. For Express: `app.use("/inspect", toNodeHandler(inspector))`.
 *
 * @example
 * ```ts
 * import { createServer } from "node:http";
 * import { createInspector, toNodeHandler } from "@mini/state/inspect";
 *
 * const inspector = createInspector("./jobs", { authorize: () => true });
 * const server = createServer(toNodeHandler(inspector));
 * // server.listen(8080), for as long as the program runs.
 * await inspector.close();
 * server.close();
 * ```
 */
export function toNodeHandler(
  inspector: { readonly fetch: (request: Request) => Promise<Response> },
): (request: NodeRequest, response: NodeResponse) => void {
  return (request, response) => {
    answer(inspector.fetch, request, response).catch(() => {
      if (response.headersSent) response.destroy();
      else {
        response.writeHead(400);
        response.end();
      }
    });
  };
}

async function answer(
  fetch: Fetch,
  request: NodeRequest,
  response: NodeResponse,
): Promise<void> {
  const { status, headers, body } = await fetch(await requestOf(request));
  const reader = body?.getReader();
  if (response.destroyed) return await reader?.cancel();
  response.writeHead(status, Object.fromEntries(headers));
  let goOn = () => {};
  response.on("drain", () => goOn());
  response.on("close", () => {
    goOn();
    reader?.cancel().catch(() => {});
  });
  for (;;) {
    const { done, value } = await reader?.read() ?? { done: true };
    if (done) break;
    if (response.write(value) || response.destroyed) continue;
    await new Promise<void>((resolve) => {
      goOn = resolve;
    });
  }
  response.end();
}

async function requestOf(request: NodeRequest): Promise<Request> {
  const { method = "GET", socket, headers } = request;
  const host = headers.host || "unknown.invalid";
  const { originalUrl: path = request.url ?? "/" } = request;
  const { encrypted } = socket as { readonly encrypted?: boolean };
  // What is no path, as a proxy is sent it, is nothing that a page has.
  const url = `${encrypted ? "https" : "http"}://${host}${
    path.startsWith("/") ? path : "/"
  }`;
  const hasBody = method !== "GET" && method !== "HEAD";
  return new Request(url, {
    method,
    headers: Object.entries(headers).map(([name, value]) => [name, `${value}`]),
    ...(hasBody && { body: await bodyOf(request) }),
  });
}

async function bodyOf(request: NodeRequest): Promise<Uint8Array<ArrayBuffer>> {
  const parts: Uint8Array[] = [];
  let bytes = 0;
  for await (const part of request) {
    bytes += part.length;
    if (bytes > MAX_BODY_BYTES) throw new TypeError("the request is too large");
    parts.push(part);
  }
  return concat(...parts);
}
