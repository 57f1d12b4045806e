import { delay } from "@std/async/delay";
import { fromFileUrl, join } from "@std/path";

/** The oldest version that has what is used of it, and keeps what it acknowledges. */
const OLDEST = [2, 12] as const;

/** How long servers may take to come up, on a machine that has much else to do. */
const PATIENCE_MS = 60_000;

/** Between two looks at what a server says about itself. */
const LOOK_MS = 50;

/** Where `scripts/nats_server.sh` puts one. */
const FETCHED = fromFileUrl(
  new URL("../../build/nats/nats-server", import.meta.url),
);

/** A nats-server that is installed. */
export interface NatsServer {
  readonly path: string;
  readonly version: string;
}

/** Where a server listens. */
export interface Place {
  readonly name: string;
  /** Its address for clients, and of its monitoring pages. */
  readonly host: string;
  /** Its address for the other servers. */
  readonly routeHost: string;
  /** The port for clients. */
  readonly port: number;
  /** The port of its monitoring pages. */
  readonly http: number;
  /** The port for the other servers. */
  readonly route: number;
}

/** The files of a server. */
export interface Storage {
  readonly storeDir: string;
  /** When it syncs what it has acknowledged. @default {"always"} */
  readonly syncInterval?: string;
  /** Where it writes its log. @default {to stderr} */
  readonly logFile?: string;
}

/** Finds a nats-server that is new enough: the one that `NATS_SERVER` names, or else one in `PATH`, or else the one that was fetched. */
export async function findNatsServer(): Promise<
  NatsServer | { readonly why: string }
> {
  const delimiter = Deno.build.os === "windows" ? ";" : ":";
  const folders = (Deno.env.get("PATH") ?? "").split(delimiter);
  const given = Deno.env.get("NATS_SERVER");
  const paths = given ? [given] : [
    ...folders.map((folder) => join(folder, "nats-server")),
    FETCHED,
  ];
  const tooOld: string[] = [];
  for (const path of paths) {
    const version = await versionOf(path);
    if (version === undefined) continue;
    const [major = 0, minor = 0] = version.split(".").map(Number);
    const isNew = major > OLDEST[0] ||
      major === OLDEST[0] && minor >= OLDEST[1];
    if (isNew) return { path, version };
    tooOld.push(
      `${path} has version ${version}, and ${OLDEST.join(".")} is the oldest`,
    );
  }
  return {
    why: tooOld[0] ??
      (given
        ? `NATS_SERVER names ${given}, which is no nats-server`
        : "there is no nats-server in PATH"),
  };
}

async function versionOf(path: string): Promise<string | undefined> {
  try {
    const { stdout } = await new Deno.Command(path, {
      args: ["--version"],
      stderr: "null",
    }).output();
    return /v(\d+\.\d+\.\S+)/.exec(new TextDecoder().decode(stdout))?.[1];
  } catch {
    // It is not there, or no program.
    return undefined;
  }
}

/** The only address of servers that serve this machine alone. */
export const LOOPBACK = "127.0.0.1";

/** Places of servers on this machine, at ports that nobody has. All are held until the last is found, so that none is given twice. */
export function freePlaces(count: number): Place[] {
  const listeners: Deno.TcpListener[] = [];
  const port = () => {
    const listener = Deno.listen({ hostname: LOOPBACK, port: 0 });
    listeners.push(listener);
    return listener.addr.port;
  };
  const places = Array.from({ length: count }, (_, index) => ({
    name: `n${index + 1}`,
    host: LOOPBACK,
    routeHost: LOOPBACK,
    port: port(),
    http: port(),
    route: port(),
  }));
  for (const listener of listeners) listener.close();
  return places;
}

/** The configuration of a server at one of these places; if there are several, they are a cluster. */
export function configurationOf(
  { name, host, routeHost, port, http, route }: Place,
  places: readonly Place[],
  { storeDir, syncInterval = "always", logFile }: Storage,
): string {
  const routes = places.map(({ routeHost, route }) =>
    `"nats://${routeHost}:${route}"`
  );
  return [
    `server_name: ${name}`,
    `listen: "${host}:${port}"`,
    `http: "${host}:${http}"`,
    ...logFile === undefined ? [] : [`log_file: ${JSON.stringify(logFile)}`],
    "jetstream {",
    `  store_dir: ${JSON.stringify(storeDir)}`,
    `  sync_interval: ${syncInterval}`,
    "}",
    ...places.length === 1 ? [] : [
      "cluster {",
      "  name: mini",
      `  listen: "${routeHost}:${route}"`,
      `  routes: [${routes.join(", ")}]`,
      "}",
    ],
    "",
  ].join("\n");
}

/** Asks a server at a path of its monitoring port; `undefined` if it does not answer, or with an error. */
export async function ask(
  { host, http }: Place,
  path: string,
): Promise<Record<string, unknown> | undefined> {
  const signal = AbortSignal.timeout(2_000);
  try {
    const response = await fetch(`http://${host}:${http}/${path}`, {
      signal,
    });
    const said = await response.json();
    return response.ok ? said : undefined;
  } catch {
    return undefined;
  }
}

/** Resolves when a server says that it is well. */
export async function healthy(place: Place): Promise<void> {
  await soon(
    `${place.name} is healthy`,
    async () => await ask(place, "healthz") !== undefined,
  );
}

/** Resolves when every server is well, and a leader sees all of them: then streams can be made. */
export async function ready(places: readonly Place[]): Promise<void> {
  await Promise.all(places.map(healthy));
  if (places.length === 1) return;
  await soon("a leader sees every server", async () => {
    const leader = await leaderOf(places);
    // Until then the leader refuses to place replicas on the others.
    return leader?.replicas?.length === places.length - 1 &&
      leader.replicas.every((peer) => peer.current && !peer.offline);
  });
}

/** The answer of the cluster's leader about its peers. */
interface MetaCluster {
  readonly leader?: string;
  readonly replicas?: readonly {
    readonly current?: boolean;
    readonly offline?: boolean;
  }[];
}

async function leaderOf(
  places: readonly Place[],
): Promise<MetaCluster | undefined> {
  for (const place of places) {
    const said = await ask(place, "jsz");
    const meta = said?.meta_cluster as MetaCluster | undefined;
    if (meta?.leader === place.name) return meta;
  }
  return undefined;
}

/** Looks again until something is so. */
export async function soon(
  what: string,
  isSo: () => Promise<boolean>,
): Promise<void> {
  const until = performance.now() + PATIENCE_MS;
  while (!await isSo()) {
    if (performance.now() > until) {
      throw new Error(`after ${PATIENCE_MS} ms it is not so that ${what}`);
    }
    await delay(LOOK_MS);
  }
}
