import { mustBe, Namespace } from "./namespace.ts";
import type { Site } from "./nats_cluster.ts";
import { run } from "./system.ts";

/** The wires of a machine: to clients, and to the other servers. */
export type Wire = "clients" | "servers";

const WIRES: readonly Wire[] = ["clients", "servers"];

/**
 * Machines on this one: each is a network namespace with two wires, one to a bridge
 * that this process is on as well, and one to a bridge of the machines alone. A wire
 * that is cut carries nothing, and nobody is told. All is gone when the test ends, or
 * is killed.
 */
export class Network implements AsyncDisposable {
  readonly #stack: AsyncDisposableStack;
  readonly #bridges: Namespace;
  readonly #machines: readonly Namespace[];
  /** The third byte of all addresses, of a range that is for tests of networks. */
  readonly #net: number;

  private constructor(
    stack: AsyncDisposableStack,
    bridges: Namespace,
    machines: readonly Namespace[],
    net: number,
  ) {
    this.#stack = stack;
    this.#bridges = bridges;
    this.#machines = machines;
    this.#net = net;
  }

  /** Makes machines, or says why there can be none. */
  static async open(count: number): Promise<Network | string> {
    await using stack = new AsyncDisposableStack();
    const made: Namespace[] = [];
    for (let index = 0; index <= count; index++) {
      const namespace = await Namespace.open("net");
      if (typeof namespace === "string") return namespace;
      made.push(stack.use(namespace));
    }
    const [bridges, ...machines] = made;
    // Others may do the same on this machine at the same time.
    const net = Deno.pid % 256;
    const network = new Network(stack.move(), bridges!, machines, net);
    try {
      await network.#build();
      return network;
    } catch (error) {
      await network[Symbol.asyncDispose]();
      return (error as Error).message;
    }
  }

  async #build(): Promise<void> {
    for (const wire of WIRES) {
      await this.#ip(`link add ${wire} type bridge`);
      await this.#ip(`link set ${wire} up`);
    }
    for (const [index, machine] of this.#machines.entries()) {
      await machine.run("ip", "link", "set", "lo", "up");
      for (const wire of WIRES) {
        const end = endOf(wire, index);
        const address = `${this.#address(wire, index)}/24`;
        const peer = `name ${wire} netns ${machine.pid}`;
        await this.#ip(`link add name ${end} type veth peer ${peer}`);
        await this.#ip(`link set ${end} master ${wire} up`);
        await machine.run("ip", "address", "add", address, "dev", wire);
        await machine.run("ip", "link", "set", wire, "up");
      }
    }
    const own = `mini${this.#net}`;
    const peer = `name tests netns ${this.#bridges.pid}`;
    await here(`link add name ${own} type veth peer ${peer}`);
    await this.#ip("link set tests master clients up");
    await here(`address add ${this.#address("clients", 253)}/24 dev ${own}`);
    await here(`link set ${own} up`);
  }

  /** Where servers are, one on each machine. */
  get sites(): Site[] {
    return this.#machines.map(({ enter }, index) => ({
      host: this.#address("clients", index),
      routeHost: this.#address("servers", index),
      enter,
    }));
  }

  /** Cuts wires of a machine: what is sent is lost. */
  async cut(index: number, wires: readonly Wire[]): Promise<void> {
    for (const wire of wires) {
      await this.#ip(`link set ${endOf(wire, index)} nomaster`);
    }
  }

  /** Mends all wires of a machine. */
  async mend(index: number): Promise<void> {
    for (const wire of WIRES) {
      await this.#ip(`link set ${endOf(wire, index)} master ${wire}`);
    }
  }

  #address(wire: Wire, index: number): string {
    return `198.${wire === "clients" ? 18 : 19}.${this.#net}.${index + 1}`;
  }

  #ip(args: string): Promise<string> {
    return this.#bridges.run("ip", ...args.split(" "));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stack[Symbol.asyncDispose]();
  }
}

/** The end of a wire at the bridge. */
function endOf(wire: Wire, index: number): string {
  return `${wire}${index + 1}`;
}

async function here(args: string): Promise<void> {
  mustBe(await run("ip", ...args.split(" ")), `ip ${args}`);
}
