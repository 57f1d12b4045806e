import { delay } from "@std/async/delay";
import { join } from "@std/path";
import {
  connect,
  type NatsConnection,
  type NodeConnectionOptions,
} from "@nats-io/transport-node";
import type { NatsServer } from "./nats_server.ts";

/** How long servers may take to come up, on a machine that has much else to do. */
const PATIENCE_MS = 60_000;

/** Between two looks at what a server says about itself. */
const LOOK_MS = 50;

/** Lets a client notice within seconds that its server hangs. */
const QUICK: NodeConnectionOptions = {
  maxReconnectAttempts: -1,
  reconnectTimeWait: 100,
  pingInterval: 1_000,
  maxPingOut: 2,
  timeout: 2_000,
};

/** How servers are started. */
export interface ClusterOptions {
  /** How many. @default {3} */
  readonly nodes?: number;
  /** Further lines of each configuration. */
  readonly conf?: string;
  /** Where each of them is. @default {all on this machine, as its processes are} */
  readonly sites?: readonly Site[];
  /** When they sync what they have acknowledged. @default {"always"} */
  readonly syncInterval?: string;
}

/** Where a server is. */
export interface Site {
  /** Its address for clients. @default {"127.0.0.1"} */
  readonly host?: string;
  /** Its address for the other servers. @default {that for clients} */
  readonly routeHost?: string;
  /** Where it keeps its streams. @default {in a directory of the cluster} */
  readonly storeDir?: string;
  /** The begin of the command line that starts it there. */
  readonly enter?: readonly string[];
}

/** The answer of the cluster's leader about its peers. */
interface MetaCluster {
  readonly leader?: string;
  readonly replicas?: readonly {
    readonly name: string;
    readonly current?: boolean;
    readonly offline?: boolean;
  }[];
}

/** One server, its files, and its process if it runs. */
export class NatsNode {
  readonly name: string;
  /** The address for clients. */
  readonly address: string;
  readonly port: number;
  /** The directory of its streams. */
  readonly storeDir: string;
  readonly #command: readonly string[];
  readonly #http: string;
  #process: Deno.ChildProcess | undefined;

  constructor(
    server: NatsServer,
    conf: string,
    storeDir: string,
    { name, host, port, http, enter }: Place,
  ) {
    this.name = name;
    this.address = `${host}:${port}`;
    this.port = port;
    this.storeDir = storeDir;
    this.#command = [...enter, server.path, "--config", conf];
    this.#http = `http://${host}:${http}`;
  }

  /** Starts it, and waits until it says that it is well. */
  async start(): Promise<void> {
    this.spawn();
    await this.healthy();
  }

  /** Starts it. */
  spawn(): void {
    if (this.#process !== undefined) return;
    const [command, ...args] = this.#command;
    this.#process = new Deno.Command(command!, {
      args,
      stdin: "null",
      stdout: "null",
      stderr: "null",
    }).spawn();
  }

  /** Waits until it says that it is well. */
  async healthy(): Promise<void> {
    await soon(`${this.name} is healthy`, async () => {
      return (await this.ask("healthz")) !== undefined;
    });
  }

  /** Asks at a path of its monitoring port; `undefined` if it does not answer, or with an error. */
  async ask(path: string): Promise<Record<string, unknown> | undefined> {
    const signal = AbortSignal.timeout(2_000);
    try {
      const response = await fetch(`${this.#http}/${path}`, { signal });
      const said = await response.json();
      return response.ok ? said : undefined;
    } catch {
      return undefined;
    }
  }

  /** Kills it, so that it runs no more when the promise resolves. */
  async kill(): Promise<void> {
    const process = this.#process;
    if (process === undefined) return;
    this.#process = undefined;
    process.kill("SIGKILL");
    await process.status;
  }

  /** Stops it as it is: it answers nothing until `cont`. */
  stop(): void {
    this.#process?.kill("SIGSTOP");
  }

  /** Lets it continue after `stop`. */
  cont(): void {
    this.#process?.kill("SIGCONT");
  }

  /** Kills it and starts it again with the files that it has left. */
  async restart(): Promise<void> {
    await this.kill();
    await this.start();
  }
}

/** Servers on this machine, gone with their files when the test ends. */
export class NatsCluster implements AsyncDisposable {
  readonly nodes: readonly NatsNode[];
  readonly #dir: string;
  readonly #connections: NatsConnection[] = [];

  private constructor(dir: string, nodes: readonly NatsNode[]) {
    this.#dir = dir;
    this.nodes = nodes;
  }

  /** Starts servers, and waits until streams can be made. */
  static async start(
    server: NatsServer,
    { nodes: count = 3, conf = "", sites, syncInterval = "always" }:
      ClusterOptions = {},
  ): Promise<NatsCluster> {
    const dir = await Deno.makeTempDir({ prefix: "mini-state-nats-" });
    const places = freePlaces(sites ?? Array(count).fill({}));
    const nodes: NatsNode[] = [];
    for (const place of places) {
      const storeDir = join(place.storeDir ?? dir, place.name);
      const file = join(dir, `${place.name}.conf`);
      const text = `${confOf(place, storeDir, syncInterval, places)}${conf}\n`;
      await Deno.writeTextFile(file, text);
      nodes.push(new NatsNode(server, file, storeDir, place));
    }
    const cluster = new NatsCluster(dir, nodes);
    try {
      for (const node of nodes) node.spawn();
      await cluster.ready();
      return cluster;
    } catch (error) {
      await cluster[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** Resolves when every server is well, and a leader sees all of them. */
  async ready(): Promise<void> {
    await Promise.all(this.nodes.map((node) => node.healthy()));
    if (this.nodes.length === 1) return;
    await soon("a leader sees every server", async () => {
      const leader = await this.#metaLeader();
      // Until then the leader refuses to place replicas on the others.
      return leader?.replicas?.length === this.nodes.length - 1 &&
        leader.replicas.every((peer) => peer.current && !peer.offline);
    });
  }

  /** The answer of the leader, if there is one. */
  async #metaLeader(): Promise<MetaCluster | undefined> {
    for (const node of this.nodes) {
      const said = await node.ask("jsz");
      const meta = said?.meta_cluster as MetaCluster | undefined;
      if (meta?.leader === node.name) return meta;
    }
    return undefined;
  }

  /** The server that leads a stream. */
  async leaderOf(stream: string): Promise<NatsNode> {
    let found: NatsNode | undefined;
    await soon(`${stream} has a leader`, async () => {
      for (const node of this.nodes) {
        const said = await node.ask("jsz?streams=true") as {
          account_details?: {
            stream_detail?: { name: string; cluster?: { leader?: string } }[];
          }[];
        } | undefined;
        const detail = said?.account_details
          ?.flatMap(({ stream_detail: streams = [] }) => streams)
          .find(({ name }) => name === stream);
        const leader = detail?.cluster?.leader;
        found = this.nodes.find(({ name }) => name === leader);
        if (found !== undefined) return true;
      }
      return false;
    });
    return found!;
  }

  /** Has a server lead a stream. */
  async lead(stream: string, index: number): Promise<void> {
    const { name, address } = this.nodes[index]!;
    const nc = await this.connect({ servers: address });
    const subject = `$JS.API.STREAM.LEADER.STEPDOWN.${stream}`;
    const wish = JSON.stringify({ placement: { preferred: name } });
    await soon(`${name} leads ${stream}`, async () => {
      if ((await this.leaderOf(stream)).name === name) return true;
      await nc.request(subject, wish, { timeout: 1_000 }).catch(() => {});
      return false;
    });
    await nc.close();
  }

  /** The addresses for clients. */
  get servers(): string[] {
    return this.nodes.map(({ address }) => address);
  }

  /** A connection that is closed with the cluster. */
  async connect(options: NodeConnectionOptions = {}): Promise<NatsConnection> {
    const connection = await connect({
      servers: this.servers,
      ...QUICK,
      ...options,
    });
    this.#connections.push(connection);
    return connection;
  }

  /** Kills every server at once. */
  async killAll(): Promise<void> {
    await Promise.all(this.nodes.map((node) => node.kill()));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#connections.map((each) => each.close()));
    for (const node of this.nodes) node.cont();
    await this.killAll();
    await Deno.remove(this.#dir, { recursive: true });
  }
}

/** Where a server is and listens. */
interface Place extends Pick<Site, "storeDir"> {
  readonly name: string;
  readonly host: string;
  readonly routeHost: string;
  readonly enter: readonly string[];
  readonly port: number;
  readonly http: number;
  readonly route: number;
}

/** Ports that nobody has. All are held until the last is found, so that none is given twice. */
function freePlaces(sites: readonly Site[]): Place[] {
  const listeners: Deno.TcpListener[] = [];
  const port = () => {
    const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    listeners.push(listener);
    return listener.addr.port;
  };
  const places = sites.map(({ host = "127.0.0.1", ...site }, index) => ({
    routeHost: host,
    enter: [],
    ...site,
    host,
    name: `n${index + 1}`,
    port: port(),
    http: port(),
    route: port(),
  }));
  for (const listener of listeners) listener.close();
  return places;
}

function confOf(
  { name, host, port, http, routeHost, route }: Place,
  storeDir: string,
  syncInterval: string,
  places: readonly Place[],
): string {
  const routes = places.map(({ routeHost, route }) =>
    `"nats://${routeHost}:${route}"`
  );
  const cluster = places.length === 1
    ? ""
    : `cluster { name: mini, listen: "${routeHost}:${route}", routes: [${routes}] }\n`;
  return `server_name: ${name}
host: ${host}
port: ${port}
http: "${host}:${http}"
jetstream { store_dir: ${
    JSON.stringify(storeDir)
  }, sync_interval: ${syncInterval} }
${cluster}`;
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
