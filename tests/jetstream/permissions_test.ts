/** The users of the configuration in docs/CLUSTER.md: each may do what it says there, and nothing else. */
import { assertEquals, assertMatch, assertRejects } from "@std/assert";
import {
  connectionOptions,
  forward,
  jetStream,
  JetStreamQueue,
  jetStreamReader,
} from "@mini/state/jetstream";
import { StateManager, StateView } from "@mini/state/state";
import { MiniError, MiniStore } from "@mini/state/store";
import type { NatsConnection } from "@nats-io/nats-core";
import { clusterBlock } from "../support/cluster_document.ts";
import { TestDirectory } from "../support/dir.ts";
import { NatsCluster } from "../support/nats_cluster.ts";
import { natsServerFor } from "../support/nats_server.ts";

const server = await natsServerFor("the users in docs/CLUSTER.md");

const ALONE = { replicas: 1 } as const;
const MADE = { ...ALONE, create: false } as const;
const SUM = {
  initial: () => 0,
  apply: (sum: number, by: number) => sum + by,
};
const READINGS = {
  consumer: "uplink",
  stream: "READINGS",
  subject: "readings",
} as const;

/** A server whose users are those of the document, and a connection of each. */
class Guarded implements AsyncDisposable {
  readonly #cluster: NatsCluster;

  private constructor(cluster: NatsCluster) {
    this.#cluster = cluster;
  }

  static async start(): Promise<Guarded> {
    const text = await clusterBlock("conf");
    // The lines before are of three machines, and have certificates.
    const users = text.slice(text.indexOf("system_account:"))
      .replace(/password: \$(\w+)_PASSWORD/g, 'password: "secret of $1"');
    return new Guarded(
      await NatsCluster.start(server!, { nodes: 1, conf: users }),
    );
  }

  as(user: string): Promise<NatsConnection> {
    return this.#cluster.connect({
      ...connectionOptions,
      user,
      pass: `secret of ${user.toUpperCase()}`,
      ...(user !== "admin" && { inboxPrefix: `_INBOX_${user}` }),
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#cluster[Symbol.asyncDispose]();
  }
}

async function refused(doing: () => Promise<unknown>): Promise<void> {
  const error = await assertRejects(doing, MiniError);
  assertEquals(error.code, "PERMISSION");
  // The server has said no: nothing is in doubt.
  assertMatch(error.message, /; nothing was (changed|written)$/);
}

if (server !== undefined) {
  Deno.test("a user in docs/CLUSTER.md may own a state, another one only follow it", async () => {
    await using guarded = await Guarded.start();
    const admin = await guarded.as("admin");
    await (await jetStream(admin, "counter", ALONE)).log.close();
    await (await jetStream(admin, "other", ALONE)).log.close();

    const owner = await guarded.as("owner");
    await using counter = await StateManager.open({
      ...await jetStream<number>(owner, "counter", MADE),
      ...SUM,
    });
    await counter.apply(2);
    await counter.snapshot();
    await counter.apply(3);
    await counter.compact();

    const viewer = await guarded.as("view");
    await using view = await StateView.open(
      await jetStreamReader<number>(viewer, "counter", MADE),
      SUM,
    );
    assertEquals(view.state, 5);
    await counter.apply(4);
    await view.until(counter.sequence);
    assertEquals(view.state, 9);
    await refused(() => jetStream(viewer, "counter", MADE));
    await refused(() => jetStreamReader(viewer, "other", MADE));
    await refused(() => jetStream(owner, "other", MADE));
  });

  Deno.test("a user in docs/CLUSTER.md may enqueue, another one work", async () => {
    await using guarded = await Guarded.start();
    const admin = await guarded.as("admin");
    await (await JetStreamQueue.open(admin, "mails", ALONE)).close();

    const producer = await guarded.as("producer");
    await using posting = await JetStreamQueue.open<string>(
      producer,
      "mails",
      MADE,
    );
    await posting.enqueue("bad");
    await posting.enqueue("later", { delayMs: 1 });
    await posting.enqueueBatch([{ payload: "one" }, { payload: "two" }]);
    assertEquals((await posting.stats()).dead, 0);

    const worker = await guarded.as("worker");
    await using working = await JetStreamQueue.open<string>(
      worker,
      "mails",
      { ...MADE, maxAttempts: 1 },
    );
    const done = new Set<string>();
    const stop = new AbortController();
    await working.work(({ payload }) => {
      done.add(payload);
      if (done.size === 4) stop.abort();
      if (payload === "bad") throw new Error("it is bad");
    }, { signal: stop.signal });
    assertEquals([...done].sort(), ["bad", "later", "one", "two"]);
    assertEquals((await working.stats()).dead, 1);
    await posting.enqueue("for workers alone");
    await refused(() => posting.receive());
    assertEquals((await working.receive())?.payload, "for workers alone");
    await refused(() => working.enqueue("more"));
    await refused(() => working.purge());
  });

  Deno.test("a user in docs/CLUSTER.md may forward a log", async () => {
    await using guarded = await Guarded.start();
    await using directory = new TestDirectory();
    await using log = await MiniStore.open<number>(directory.at());
    await log.append(1);
    const sent = async (nc: NatsConnection, seq: number, create: boolean) => {
      const arrived = Promise.withResolvers<void>();
      const watcher = admin.subscribe("readings.>", {
        callback: (_, message) => {
          if (message.headers?.get("Mini-Seq") === `${seq}`) arrived.resolve();
        },
      });
      await admin.flush();
      const stop = new AbortController();
      const sending = forward(log, nc, {
        ...READINGS,
        ...ALONE,
        create,
        signal: stop.signal,
      });
      await Promise.race([arrived.promise, sending]);
      watcher.unsubscribe();
      stop.abort();
      await sending.catch(() => {});
    };
    const admin = await guarded.as("admin");
    await sent(admin, 1, true);
    const gateway = await guarded.as("gateway");
    await log.append(2);
    await sent(gateway, 2, false);
    await refused(() => forward(log, gateway, { ...READINGS, stream: "X" }));
  });
}
