/** The peers that users would pick in place of our queue, each at its durable setting. */
import { join } from "node:path";
import { type Contender, load, type Queue } from "./contender.ts";
import { openKv } from "./logs.ts";
import { SERVER_QUEUES } from "./server_queues.ts";

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
      serve(_consumers, done) {
        void db.listenQueue((value: unknown) => done(value));
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
    const look = (take: (value: unknown) => void) => {
      timer = setInterval(() => {
        for (let job; (job = next()) !== undefined;) {
          queue.markJobAsDone(job.id);
          take(job.data);
        }
      }, 5);
    };
    return {
      enqueue: (value) => queue.add("job", value),
      fill: (values) => queue.addMany("job", values),
      drain(_consumers, isEnough) {
        do queue.markJobAsDone(next()!.id); while (!isEnough());
      },
      listen: look,
      serve: (_consumers, done) => look(done),
      close() {
        clearInterval(timer);
        queue.close();
      },
    };
  },
};

const liteque: Contender<Queue> = {
  name: "liteque",
  setting:
    "synchronous=FULL in place of its NORMAL; only enqueues, since its runner fails with the better-sqlite3 that Node 20 can have",
  isDurable: true,
  not: ["drain", "latency", "serve"],
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
      serve(consumers, done) {
        runner = start(done, consumers);
      },
      close: () => runner?.stop(),
    };
  },
};

/** Those that Deno brings. */
export const QUEUES: readonly Contender<Queue>[] = [kv];

/** Those from npm. */
export const NODE_QUEUES: readonly Contender<Queue>[] = [
  ...SERVER_QUEUES,
  plainjob,
  liteque,
];
