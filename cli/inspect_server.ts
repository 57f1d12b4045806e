import { createServer, type RequestListener, type Server } from "node:http";
import { MiniError } from "../base/errors.ts";
import { isSecret, newSecret } from "../base/bytes.ts";

/** The only address that is listened on: nobody on another machine gets there. */
const ADDRESS = "127.0.0.1";

/** Whether a request comes from who knows the address that was printed. */
type Knows = (request: Request) => boolean;

/**
 * Serves at an address that cannot be guessed; resolves to it once it can be opened.
 *
 * @param make Makes what answers, given who knows the address.
 */
export async function serve(
  port: number,
  make: (knows: Knows) => RequestListener,
): Promise<string> {
  const server = createServer();
  const origin = `http://${ADDRESS}:${await listen(server, port)}`;
  const secret = newSecret();
  const { host } = new URL(origin);
  // A page elsewhere may have its name lead here; it cannot have its own name left out.
  const hosts = [host, host.replace(ADDRESS, "localhost")];
  const knows = ({ url }: Request) => {
    const { host: asked, pathname } = new URL(url);
    const [, given = "", ...rest] = pathname.split("/");
    return isSecret(given, secret) && hosts.includes(asked) && rest.length > 0;
  };
  server.on("request", make(knows));
  return `${origin}/${secret}/`;
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
