import { createHash, randomBytes, timingSafeEqual } from "node:crypto";
import {
  createServer,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from "node:http";
import { MiniError } from "../base/errors.ts";
import type { Api } from "./api.ts";
import { answer } from "./answer.ts";
import { PAGE, POLICY } from "./page.gen.ts";

/** The only address that is listened on: nobody on another machine gets there. */
const ADDRESS = "127.0.0.1";

/** So much of what stands for a secret cannot be guessed. */
const TOKEN_BYTES = 24;

/** The answer to a request without the address of the page: always the same. */
const FORBIDDEN = "This is not the address that mini inspect printed.\n";

/** Serves the page and what it asks for; resolves, once it can be opened, to its address. */
export async function serve(api: Api, port: number): Promise<string> {
  const token = randomBytes(TOKEN_BYTES).toString("hex");
  const server = createServer();
  const url = `http://${ADDRESS}:${await listen(server, port)}/${token}/`;
  const { host } = new URL(url);
  server.on("request", (request, response) => {
    harden(response, POLICY);
    const path = pathFor(request, token, host);
    if (path === undefined) return send(response, 403, "text/plain", FORBIDDEN);
    if (request.method !== "GET") {
      return send(response, 405, "text/plain", "This page only reads.\n");
    }
    if (path === "") return send(response, 200, "text/html", PAGE);
    answer(api, path, response);
  });
  return url;
}

/** The path after the token; `undefined` for a request without the token, or with another host name. */
function pathFor(
  { url = "", headers }: IncomingMessage,
  token: string,
  host: string,
): string | undefined {
  const [, given = "", ...rest] = url.split("/");
  // A page elsewhere may have its name lead here; it cannot have its own name left out.
  const isOurs = headers.host === host ||
    headers.host === host.replace(ADDRESS, "localhost");
  if (!isSame(given, token) || !isOurs || rest.length === 0) return undefined;
  return rest.join("/");
}

/** Compares without telling by its duration how much agrees. */
function isSame(a: string, b: string): boolean {
  const digest = (text: string) => createHash("sha256").update(text).digest();
  return timingSafeEqual(digest(a), digest(b));
}

/** Nothing may be loaded, kept, embedded or passed on. */
function harden(response: ServerResponse, policy: string): void {
  response.setHeader("content-security-policy", policy);
  response.setHeader("cache-control", "no-store");
  response.setHeader("cross-origin-opener-policy", "same-origin");
  response.setHeader("cross-origin-resource-policy", "same-origin");
  response.setHeader("referrer-policy", "no-referrer");
  response.setHeader("x-content-type-options", "nosniff");
}

function send(
  response: ServerResponse,
  status: number,
  type: string,
  text: string,
): void {
  const body = new TextEncoder().encode(text);
  response.writeHead(status, {
    "content-type": `${type}; charset=utf-8`,
    "content-length": body.length,
  });
  response.end(body);
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
