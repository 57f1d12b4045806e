import {
  createServer,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from "node:http";
import { MiniError } from "../base/errors.ts";
import { concat, isSecret, newSecret } from "../base/bytes.ts";

/** The only address that is listened on: nobody on another machine gets there. */
const ADDRESS = "127.0.0.1";

/** The origin of requests to another host. */
const ELSEWHERE = "http://elsewhere.invalid";

/** The most bytes of a request. */
const MAX_BODY_BYTES = 8_000_000;

/** Answers requests. */
export type Fetch = (request: Request) => Promise<Response>;

/** Whether a request comes from who knows the address that was printed. */
export type Knows = (request: Request) => boolean;

/**
 * Serves at an address that cannot be guessed; resolves to it once it can be opened.
 *
 * @param make Makes what answers, given who knows the address.
 */
export async function serve(
  port: number,
  make: (knows: Knows) => Fetch,
): Promise<string> {
  const server = createServer();
  const origin = `http://${ADDRESS}:${await listen(server, port)}`;
  const secret = newSecret();
  const { host } = new URL(origin);
  const fetch = make(({ url }) => {
    const { origin: asked, pathname } = new URL(url);
    const [, given = "", ...rest] = pathname.split("/");
    return isSecret(given, secret) && asked !== ELSEWHERE && rest.length > 0;
  });
  server.on("request", (request, response) => {
    // A page elsewhere may have its name lead here; it cannot have its own name left out.
    const isOurs = request.url?.startsWith("/") &&
      [host, host.replace(ADDRESS, "localhost")].includes(
        request.headers.host ?? "",
      );
    const from = isOurs ? `http://${request.headers.host}` : ELSEWHERE;
    answer(fetch, from, request, response).catch(() => response.destroy());
  });
  return `${origin}/${secret}/`;
}

/** Passes a request on, and sends what comes back no faster than it is read. */
async function answer(
  fetch: Fetch,
  origin: string,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const answered = await fetch(await requestOf(origin, request));
  response.writeHead(answered.status, Object.fromEntries(answered.headers));
  const reader = answered.body?.getReader();
  // Where nobody reads any more, nothing more is made.
  response.once("close", () => reader?.cancel().catch(() => {}));
  for (;;) {
    const { done, value } = await reader?.read() ?? { done: true };
    if (done) break;
    if (response.write(value) || response.destroyed) continue;
    await new Promise<void>((resolve) => {
      response.once("drain", resolve);
      response.once("close", resolve);
    });
  }
  response.end();
}

async function requestOf(
  origin: string,
  request: IncomingMessage,
): Promise<Request> {
  const { method = "GET", url = "/", headers: given } = request;
  const path = url.startsWith("/") ? url : "/";
  const headers = new Headers();
  for (const [name, value] of Object.entries(given)) {
    // Both are about the connection, which the request that is passed on has not.
    if (name === "host" || name === "connection") continue;
    headers.set(name, [value].flat().join(", "));
  }
  const hasBody = method !== "GET" && method !== "HEAD";
  const body = hasBody ? { body: await bodyOf(request) } : {};
  return new Request(`${origin}${path}`, { method, headers, ...body });
}

async function bodyOf(
  request: IncomingMessage,
): Promise<Uint8Array<ArrayBuffer>> {
  const parts: Uint8Array<ArrayBuffer>[] = [];
  let bytes = 0;
  for await (const part of request) {
    bytes += part.length;
    if (bytes > MAX_BODY_BYTES) throw new Error("the request is too large");
    parts.push(part);
  }
  return concat(...parts);
}

async function listen(server: Server, port: number): Promise<number> {
  if (!await mayListen(port)) {
    throw new MiniError(
      "PERMISSION",
      `mini inspect may not listen: run again with --allow-net=${ADDRESS}`,
    );
  }
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, ADDRESS, () => resolve());
  }).catch((error) => {
    const because = error.code === "EADDRINUSE"
      ? "another program listens there; --port 0 takes a free port"
      : error.message;
    const message = `mini inspect cannot listen on port ${port}: ${because}`;
    throw new MiniError("IO", message, { cause: error });
  });
  const address = server.address();
  return typeof address === "object" && address !== null ? address.port : port;
}

/** The part of Deno's permissions that is used. */
interface Sandbox {
  readonly permissions: {
    request(wanted: { name: "net"; host: string }): Promise<{ state: string }>;
  };
}

/** Whether the sandbox lets this process listen; asks, where there is somebody to ask. */
async function mayListen(port: number): Promise<boolean> {
  const { Deno: sandbox } = globalThis as unknown as { Deno?: Sandbox };
  if (sandbox === undefined) return true;
  const host = `${ADDRESS}:${port}`;
  return (await sandbox.permissions.request({ name: "net", host })).state ===
    "granted";
}
