/**
 * Measures how the cost of a queue grows with the messages that wait in it:
 * `deno run -A --v8-flags=--expose-gc bench/queue.ts`.
 */
import { join } from "@std/path";
import { MiniQueue } from "@mini/state/queue";

const BACKLOGS = [1_000, 100_000, 1_000_000];
const OPERATIONS = 20_000;
const CALLERS = 64;

interface Job {
  readonly type: string;
  readonly to: string;
  readonly attempt: number;
}

function job(index: number): Job {
  return { type: "mail", to: `customer-${index}@example.org`, attempt: index };
}

/** The bytes in use once everything that is garbage is gone. */
function heapBytes(): number {
  (globalThis as { gc?: () => void }).gc?.();
  return Deno.memoryUsage().heapUsed;
}

/** How many times a second `OPERATIONS` operations are done by so many callers. */
async function perSecond(operation: () => Promise<unknown>): Promise<number> {
  let left = OPERATIONS;
  const start = performance.now();
  await Promise.all(Array.from({ length: CALLERS }, async () => {
    while (left-- > 0) await operation();
  }));
  return OPERATIONS / (performance.now() - start) * 1000;
}

async function fill(queue: MiniQueue<Job>, count: number): Promise<void> {
  for (let at = 0; at < count;) {
    const length = Math.min(10_000, count - at);
    const messages = Array.from({ length }, () => ({ payload: job(at++) }));
    await queue.enqueueAll(messages);
  }
}

async function diskBytes(dir: string): Promise<number> {
  let sum = 0;
  for await (const { name } of Deno.readDir(dir)) {
    sum += (await Deno.stat(join(dir, name))).size;
  }
  return sum;
}

async function measure(backlog: number): Promise<void> {
  const dir = await Deno.makeTempDir({ prefix: "mini-state-bench-" });
  let queue = await MiniQueue.open<Job>(dir);
  const empty = heapBytes();
  await fill(queue, backlog);
  const waiting = (heapBytes() - empty) / backlog;
  const enqueue = await perSecond(() => queue.enqueue(job(0)));
  const receive = await perSecond(async () => {
    await (await queue.receive())!.ack();
  });
  await queue.close();
  const start = performance.now();
  queue = await MiniQueue.open<Job>(dir);
  const open = performance.now() - start;
  for (;;) {
    const batch = await queue.receiveBatch(10_000);
    if (batch.length === 0) break;
    await Promise.all(batch.map((message) => message.ack()));
  }
  await queue.compact();
  const drained = heapBytes() - empty;
  await queue.close();
  const column = (value: number, width: number) =>
    Math.round(value).toLocaleString("en").padStart(width);
  say(
    `${column(backlog, 9)}  ${column(enqueue, 9)}  ${column(receive, 13)}  ` +
      `${column(waiting, 13)}  ${column(open, 7)}  ` +
      `${column(drained / 1024, 11)}  ${
        column(await diskBytes(dir) / 1024, 11)
      }`,
  );
  await Deno.remove(dir, { recursive: true });
}

say(`${CALLERS} callers, ${OPERATIONS.toLocaleString("en")} operations each`);
say(
  "  waiting  enqueue/s  receive+ack/s  bytes/message  open ms  drained KiB  on disk KiB",
);
for (const backlog of BACKLOGS) await measure(backlog);

function say(line: string): void {
  // deno-lint-ignore no-console -- it is a command
  console.log(line);
}
