/**
 * The least that anyone can do in plain files: of writing, one `write` and one
 * `fdatasync` for as many records as there are callers, nothing else between
 * them; of reading, chunks that are decoded, and `JSON.parse` of each line.
 */
import { record, records } from "./record.ts";
import { Meter, type Result, type Task } from "./task.ts";
import { heapMiB, memory, Stalls } from "./work.ts";

/** The floor of each work. */
export const FLOOR: Record<
  string,
  (task: Task) => Result | Promise<Result>
> = {
  append: (task) => commits(task, task.callers),
  batch: (task) => commits(task, task.count),
  enqueue: (task) => commits(task, task.callers),
  drain: (task) => commits(task, task.callers),
  latency: (task) => commits(task, 1),
  load: (task) => commits(task, 64),
  serve: (task) => commits(task, 64),
  view: (task) => commits(task, 1),
  page: async () => (await import("./page.ts")).emptyPage(),
  fill,
  read,
  snapshot,
};

const encoder = new TextEncoder();

function commits({ dir, seconds }: Task, size: number): Result {
  using file = Deno.openSync(`${dir}/floor`, { create: true, append: true });
  const lines = records(0, size).map((item) => `${JSON.stringify(item)}\n`);
  const bytes = encoder.encode(lines.join(""));
  const meter = new Meter();
  let count = 0;
  while (meter.ms < seconds * 1000) {
    file.writeSync(bytes);
    file.syncDataSync();
    count += size;
  }
  return { ...meter.cost(count), overheadBytes: 1 };
}

async function fill({ dir, count }: Task): Promise<Result> {
  using file = await Deno.open(`${dir}/floor`, { create: true, write: true });
  const writer = file.writable.getWriter();
  for (let index = 0; index < count; index++) {
    const line = { crc: "00000000", seq: index + 1, data: record(index) };
    await writer.write(encoder.encode(`${JSON.stringify(line)}\n`));
  }
  await writer.close();
  return {};
}

async function read({ dir, count }: Task): Promise<Result> {
  await heapMiB();
  const before = await memory();
  const meter = new Meter();
  const map = new Map<string, unknown>();
  const decoder = new TextDecoder();
  const block = new Uint8Array(256 * 1024);
  let carry = "";
  using file = await Deno.open(`${dir}/floor`);
  for (;;) {
    const length = await file.read(block);
    if (length === null) break;
    const text = decoder.decode(block.subarray(0, length), { stream: true });
    const lines = (carry + text).split("\n");
    carry = lines.pop()!;
    for (const line of lines) {
      const { data: { key, value } } = JSON.parse(line);
      map.set(key, value);
    }
  }
  const { ms } = meter;
  const cost = meter.cost(count);
  const { peak } = await memory();
  const stateMiB = await heapMiB() - before.heap;
  const beyondMiB = peak - before.peak - stateMiB;
  return { ...cost, ms, stateMiB, beyondMiB, keys: map.size };
}

/** All of it in one go. */
async function snapshot({ dir, count }: Task): Promise<Result> {
  const items = records(0, count);
  const state = Object.fromEntries(items.map(({ key, value }) => [key, value]));
  const stalls = new Stalls();
  await new Promise((resolve) => setTimeout(resolve, 20));
  const meter = new Meter();
  using file = await Deno.open(`${dir}/floor`, { create: true, write: true });
  await file.write(encoder.encode(JSON.stringify(state)));
  await file.sync();
  const { ms } = meter;
  return { ...meter.cost(1), ms, stallMs: stalls.end() };
}
