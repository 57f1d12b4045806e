/** The peers that users would pick in place of our queue, each at its durable setting. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { type Contender, load, type Queue } from "./contender.ts";
import { openKv } from "./logs.ts";

const kv: Contender<Queue> = {
  name: "Deno KV",
  setting: "as it is",
  isDurable: true,
  async open(dir) {
    const db = await openKv(join(dir, "kv.db"));
    let take = (_value: unknown) => {};
    return {
      enqueue: (value) => db.enqueue(value),
      async fill(values) {
        for (let at = 0; at < values.length; at += 10) {
          const atomic = db.atomic();
          for (const value of values.slice(at, at + 10)) atomic.enqueue(value);
          await atomic.commit();
        }
      },
      // It delivers as many at a time as it likes.
      drain: (_consumers, isEnough) =>
        new Promise<void>((resolve) => {
          void db.listenQueue(() => {
            if (isEnough()) resolve();
          });
        }),
      listen(listener) {
        take = listener;
        void db.listenQueue((value: unknown) => take(value));
      },
      close: () => db.close(),
    };
  },
};

const plainjob: Contender<Queue> = {
  name: "plainjob",
  setting: "synchronous=FULL in place of its NORMAL; looks every 5 ms",
  isDurable: true,
  async open(dir) {
    const { default: Database } = await load("better-sqlite3");
    const { better, defineQueue } = await load("plainjob");
    const db = new Database(join(dir, "jobs.db"));
    const logger = { error() {}, warn() {}, info() {}, debug() {} };
    const queue = defineQueue({ connection: better(db), logger });
    db.pragma("synchronous=full");
    const next = () => {
      const job = queue.getAndMarkJobAsProcessing("job");
      if (job === undefined) return undefined;
      const { data } = queue.getJobById(job.id);
      return { id: job.id, data: JSON.parse(data) };
    };
    let timer: ReturnType<typeof setInterval>;
    return {
      enqueue: (value) => queue.add("job", value),
      fill: (values) => queue.addMany("job", values),
      drain(_consumers, isEnough) {
        do queue.markJobAsDone(next()!.id); while (!isEnough());
      },
      listen(take) {
        timer = setInterval(() => {
          for (let job; (job = next()) !== undefined;) {
            take(job.data);
            queue.markJobAsDone(job.id);
          }
        }, 5);
      },
      close() {
        clearInterval(timer);
        queue.close();
      },
    };
  },
};

const liteque: Contender<Queue> = {
  name: "liteque",
  setting: "synchronous=FULL in place of its NORMAL; looks every 5 ms",
  isDurable: true,
  async open(dir) {
    const { buildDBClient, Runner, SqliteQueue } = await load("liteque");
    const db = buildDBClient(join(dir, "tasks.db"), {
      runMigrations: true,
      walEnabled: true,
    });
    db.session.client.pragma("synchronous=full");
    const settings = {
      defaultJobArgs: { numRetries: 1 },
      keepFailedJobs: false,
    };
    const queue = new SqliteQueue("jobs", db, settings);
    const start = (take: (value: unknown) => void, concurrency: number) => {
      const runner = new Runner(queue, {
        run: ({ data }: { data: unknown }) => Promise.resolve(take(data)),
      }, { concurrency, pollIntervalMs: 5, timeoutSecs: 60 });
      void runner.run();
      return runner;
    };
    // deno-lint-ignore no-explicit-any -- nothing is known of it
    let runner: any;
    return {
      enqueue: (value) => queue.enqueue(value),
      async fill(values) {
        for (const value of values) await queue.enqueue(value);
      },
      drain: (consumers, isEnough) =>
        new Promise<void>((resolve) => {
          runner = start(() => {
            if (isEnough()) resolve();
          }, consumers);
        }),
      listen(take) {
        runner = start(take, 1);
      },
      close: () => runner?.stop(),
    };
  },
};

const bullmq: Contender<Queue> = {
  name: "BullMQ",
  setting: "Redis on a socket, appendfsync=always",
  isDurable: true,
  async open(dir) {
    const { Queue, Worker } = await load("bullmq");
    const socket = join(dir, "redis.sock");
    const options = ["--port", "0", "--unixsocket", socket, "--dir", dir];
    const durably = ["--appendonly", "yes", "--appendfsync", "always"];
    const redis = spawn("redis-server", [...options, ...durably, "--save", ""]);
    const started = once(redis.stdout, "data");
    await Promise.race([started, once(redis, "exit"), once(redis, "error")]);
    const { Redis } = await load("ioredis");
    const connect = () =>
      new Redis({ path: socket, maxRetriesPerRequest: null });
    const connection = connect();
    const settings = { removeOnComplete: true };
    const queue = new Queue("jobs", {
      connection,
      defaultJobOptions: settings,
    });
    await queue.waitUntilReady();
    // deno-lint-ignore no-explicit-any -- nothing is known of it
    let worker: any;
    return {
      enqueue: (value) => queue.add("job", value),
      async fill(values) {
        for (let at = 0; at < values.length; at += 1_000) {
          const some = values.slice(at, at + 1_000);
          await queue.addBulk(some.map((data) => ({ name: "job", data })));
        }
      },
      async drain(consumers, isEnough) {
        worker = new Worker("jobs", null, { connection: connect() });
        await worker.waitUntilReady();
        await Promise.all(
          Array.from({ length: consumers }, async (_, index) => {
            do {
              const job = await worker.getNextJob(`${index}`);
              await job.moveToCompleted(null, `${index}`, false);
            } while (!isEnough());
          }),
        );
      },
      async listen(take) {
        const run = ({ data }: { data: unknown }) =>
          Promise.resolve(take(data));
        worker = new Worker("jobs", run, { connection: connect() });
        await worker.waitUntilReady();
      },
      async close() {
        await worker?.close();
        await queue.close();
        redis.kill("SIGKILL");
        await once(redis, "exit");
      },
    };
  },
};

/** Those that Deno brings. */
export const QUEUES: readonly Contender<Queue>[] = [kv];

/** Those from npm. */
export const NODE_QUEUES: readonly Contender<Queue>[] = [
  bullmq,
  plainjob,
  liteque,
];
