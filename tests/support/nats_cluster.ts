import { join } from "@std/path";
import {
  connect,
  type NatsConnection,
  type NodeConnectionOptions,
} from "@nats-io/transport-node";
import {
  ask,
  configurationOf,
  freePlaces,
  healthy,
  type Place,
  ready,
  soon,
} from "../../scripts/cluster/servers.ts";
import type { NatsServer } from "./nats_server.ts";

export { soon };

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

/** One server, its files, and its process if it runs. */
export class NatsNode {
  /** The directory of its streams. */
  readonly storeDir: string;
  /** Where it listens. */
  readonly place: Place;
  readonly #command: readonly string[];
  #process: Deno.ChildProcess | undefined;

  constructor(
    server: NatsServer,
    conf: string,
    storeDir: string,
    place: Place,
    enter: readonly string[] = [],
  ) {
    this.storeDir = storeDir;
    this.place = place;
    this.#command = [...enter, server.path, "--config", conf];
  }

  get name(): string {
    return this.place.name;
  }

  get port(): number {
    return this.place.port;
  }

  /** The address for clients. */
  get address(): string {
    return `${this.place.host}:${this.port}`;
  }

  /** Starts it, and waits until it says that it is well. */
  async start(): Promise<void> {
    this.spawn();
    await healthy(this.place);
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

  /** Asks at a path of its monitoring port; `undefined` if it does not answer, or with an error. */
  ask(path: string): Promise<Record<string, unknown> | undefined> {
    return ask(this.place, path);
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
    const places = freePlaces(sites?.length ?? count).map((place, index) => {
      const { host = place.host, routeHost = host } = sites?.[index] ?? {};
      return { ...place, host, routeHost };
    });
    const nodes: NatsNode[] = [];
    for (const [index, place] of places.entries()) {
      const { storeDir: parent = dir, enter } = sites?.[index] ?? {};
      const storeDir = join(parent, place.name);
      const file = join(dir, `${place.name}.conf`);
      const text = configurationOf(place, places, { storeDir, syncInterval });
      await Deno.writeTextFile(file, `${text}${conf}\n`);
      nodes.push(new NatsNode(server, file, storeDir, place, enter));
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
    await ready(this.nodes.map(({ place }) => place));
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
