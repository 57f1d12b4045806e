/** When a network fails. */
export interface NetworkFaults {
  /** How many bytes pass until it is cut, amidst whatever is sent. */
  bytes(): number;
  /** How often clients that connect again are refused then. */
  refusals(): number;
}

/** A network between clients and a server that is cut again and again. */
export class TcpProxy implements AsyncDisposable {
  readonly #listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  readonly #port: number;
  readonly #faults: NetworkFaults;
  readonly #open: Set<Deno.Conn> = new Set();
  readonly #serving: Promise<void>;
  #bytesLeft: number;
  #refusalsLeft = 0;
  /** How often it was cut. */
  cuts = 0;

  /** To a port of this machine. */
  constructor(port: number, faults: NetworkFaults) {
    this.#port = port;
    this.#faults = faults;
    this.#bytesLeft = faults.bytes();
    this.#serving = this.#serve();
  }

  /** The address for clients. */
  get address(): string {
    return `127.0.0.1:${this.#listener.addr.port}`;
  }

  async #serve(): Promise<void> {
    for await (const client of this.#listener) {
      if (this.#refusalsLeft > 0) {
        this.#refusalsLeft--;
        close(client);
      } else this.#join(client);
    }
  }

  async #join(client: Deno.Conn): Promise<void> {
    this.#open.add(client);
    try {
      const hostname = "127.0.0.1";
      const server = await Deno.connect({ hostname, port: this.#port });
      this.#open.add(server);
      await Promise.allSettled([
        this.#pass(client, server),
        this.#pass(server, client),
      ]);
    } catch {
      // The server is not there; the client finds out.
    }
    close(client);
  }

  /** Passes on what comes, and ends both when one has ended. */
  async #pass(from: Deno.Conn, to: Deno.Conn): Promise<void> {
    try {
      for await (const bytes of from.readable) {
        const some = bytes.subarray(0, this.#bytesLeft);
        this.#bytesLeft -= some.length;
        for (let at = 0; at < some.length;) {
          at += await to.write(some.subarray(at));
        }
        if (this.#bytesLeft === 0) this.#cut();
      }
    } finally {
      this.#end([from, to]);
    }
  }

  #cut(): void {
    this.cuts++;
    this.#bytesLeft = this.#faults.bytes();
    this.#refusalsLeft = this.#faults.refusals();
    this.#end([...this.#open]);
  }

  #end(connections: readonly Deno.Conn[]): void {
    for (const connection of connections) {
      this.#open.delete(connection);
      close(connection);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#end([...this.#open]);
    this.#listener.close();
    await this.#serving;
  }
}

function close(connection: Deno.Conn): void {
  try {
    connection.close();
  } catch {
    // It is closed.
  }
}
