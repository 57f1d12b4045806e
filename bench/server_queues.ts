// deno-lint-ignore-file no-explicit-any -- nothing is known of the libraries
/** The queues that need a server, each at its durable setting. */
import { type Contender, load, type Queue } from "./contender.ts";
import { startPostgres, startRedis } from "./servers.ts";

const bullmq: Contender<Queue> = {
  name: "BullMQ",
  setting: "Redis on a socket, appendfsync=always",
  isDurable: true,
  async open(dir) {
    const { Queue, Worker } = await load("bullmq");
    const { Redis } = await load("ioredis");
    const { socket, cpuUs, stop } = await startRedis(dir);
    const connect = () =>
      new Redis({ path: socket, maxRetriesPerRequest: null });
    const queue = new Queue("jobs", {
      connection: connect(),
      defaultJobOptions: { removeOnComplete: true },
    });
    await queue.waitUntilReady();
    let worker: any;
    const work = async (run: any, concurrency: number) => {
      const options = { connection: connect(), concurrency };
      worker = new Worker("jobs", run, options);
      await worker.waitUntilReady();
    };
    return {
      cpuUs,
      enqueue: (value) => queue.add("job", value),
      async fill(values) {
        for (let at = 0; at < values.length; at += 1_000) {
          const some = values.slice(at, at + 1_000);
          await queue.addBulk(some.map((data) => ({ name: "job", data })));
        }
      },
      async drain(consumers, isEnough) {
        await work(null, 1);
        await Promise.all(
          Array.from({ length: consumers }, async (_, index) => {
            do {
              const job = await worker.getNextJob(`${index}`);
              await job.moveToCompleted(null, `${index}`, false);
            } while (!isEnough());
          }),
        );
      },
      listen: (take) => work(({ data }: any) => Promise.resolve(take(data)), 1),
      async serve(consumers, done) {
        await work(() => Promise.resolve(), consumers);
        worker.on("completed", ({ data }: any) => done(data));
      },
      async close() {
        await worker?.close();
        await queue.close();
        await stop();
      },
    };
  },
};

/** Connections enough for as many callers to share a commit. */
const CONNECTIONS = 32;

const pgBoss: Contender<Queue> = {
  name: "pg-boss",
  setting:
    `PostgreSQL on a socket, as it is (synchronous_commit), ${CONNECTIONS} connections, LISTEN`,
  isDurable: true,
  async open(dir) {
    const { PgBoss } = await load("pg-boss");
    const { host, cpuUs, stop } = await startPostgres(dir);
    const boss = new PgBoss({
      host,
      user: "bench",
      database: "postgres",
      max: CONNECTIONS,
      useListenNotify: true,
    });
    boss.on("error", () => {});
    await boss.start();
    await boss.createQueue("jobs", { notify: true });
    const next = (batchSize: number) => boss.fetch("jobs", { batchSize });
    return {
      cpuUs,
      enqueue: (value) => boss.send("jobs", value as object),
      async fill(values) {
        for (let at = 0; at < values.length; at += 1_000) {
          const some = values.slice(at, at + 1_000);
          await boss.insert("jobs", some.map((data) => ({ data })));
        }
      },
      async drain(consumers, isEnough) {
        await Promise.all(Array.from({ length: consumers }, async () => {
          do {
            const [job] = await next(1);
            await boss.complete("jobs", job.id);
          } while (!isEnough());
        }));
      },
      listen: (take) =>
        boss.work("jobs", { pollingIntervalSeconds: 0.5 }, ([job]: any) => {
          take(job.data);
          return Promise.resolve();
        }),
      // Its own workers take 64 at a time too, and say nothing when they are done with one.
      serve(consumers, done) {
        void (async () => {
          for (;;) {
            const jobs = await next(consumers);
            if (jobs.length === 0) {
              await new Promise((resolve) => setTimeout(resolve, 5));
              continue;
            }
            await boss.complete("jobs", jobs.map(({ id }: any) => id));
            for (const { data } of jobs) done(data);
          }
        })();
      },
      async close() {
        await boss.stop({ graceful: false });
        await stop();
      },
    };
  },
};

/** It retries a job that has no result. */
const RESULT = Promise.resolve(true);

const jobQueue: Contender<Queue> = {
  name: "@platformatic/job-queue",
  setting: "Redis on a socket, appendfsync=always",
  isDurable: true,
  async open(dir) {
    const { Queue, RedisStorage } = await load("@platformatic/job-queue");
    const { socket, cpuUs, stop } = await startRedis(dir);
    const open = (concurrency: number) =>
      new Queue({ storage: new RedisStorage({ url: socket }), concurrency });
    const producer = open(1);
    await producer.start();
    let number = 0;
    const enqueue = (value: unknown) => producer.enqueue(`${++number}`, value);
    const work = async (
      take: (value: unknown) => void,
      concurrency: number,
    ) => {
      const consumer = open(concurrency);
      consumer.execute(({ payload }: any) => {
        take(payload);
        return RESULT;
      });
      await consumer.start();
      return consumer;
    };
    return {
      cpuUs,
      enqueue,
      async fill(values) {
        for (let at = 0; at < values.length; at += 1_000) {
          await Promise.all(values.slice(at, at + 1_000).map(enqueue));
        }
      },
      async drain(consumers, isEnough) {
        const consumer = await work(() => {}, consumers);
        await new Promise<void>((resolve) => {
          consumer.on("completed", () => {
            if (isEnough()) resolve();
          });
        });
      },
      listen: (take) => work(take, 1),
      async serve(consumers, done) {
        const values = new Map<string, unknown>();
        const consumer = open(consumers);
        consumer.execute(({ id, payload }: any) => {
          values.set(id, payload);
          return RESULT;
        });
        consumer.on("completed", (id: string) => {
          done(values.get(id));
          values.delete(id);
        });
        await consumer.start();
      },
      close: stop,
    };
  },
};

/** All of them; they come from npm. */
export const SERVER_QUEUES: readonly Contender<Queue>[] = [
  bullmq,
  pgBoss,
  jobQueue,
];
