// deno run --allow-read=./readings --allow-write=./readings examples/sensor_logger.ts ./readings log
// deno run --allow-read=./readings examples/sensor_logger.ts ./readings csv
/**
 * A logger for a device whose power may go at any moment, and whose clock
 * starts in 1970 until somebody sets it:
 *
 *     log [KEEP]               readings from stdin, `SENSOR VALUE` a line
 *     simulate COUNT [KEEP]    readings of a device that learns the time half-way
 *     csv                      what is in the log, also while one is logging
 *
 * A reading is written at once, so that the end of the program loses none, and
 * synced once a second with all others: a power cut takes the last second, and
 * the disk has one sync to do and not one for each reading. To wait for every
 * reading, leave out `durable: false`; that costs a sync each.
 *
 * At most twice KEEP readings stay in the log. Older ones are moved into CSV
 * files, for somebody to fetch and remove.
 */
import { join } from "@std/path";
import { TextLineStream } from "@std/streams/text-line-stream";
import { type LogRecord, MiniStore, systemFileSystem } from "@mini/state/store";

/**
 * Order is the order of the log, and no clock has a say in it. The wall clock
 * is data, and so is what may correct it later: which start of the program this
 * was, and the time since then, by a clock that nobody sets.
 */
interface Reading {
  readonly boot: string;
  readonly upMs: number;
  readonly wallMs: number;
  readonly sensor: string;
  readonly value: number;
}

type Clock = Pick<Reading, "upMs" | "wallMs">;
type Records = (to: number) => AsyncIterable<LogRecord<Reading>>;

/** A clock that says less than this was never set. */
const KNOWN_FROM_MS = Date.UTC(2026, 0, 1);
const SYNC_EVERY_MS = 1_000;
const MAX = Number.MAX_SAFE_INTEGER;

const [dir = "", command, ...args] = Deno.args;
const path = join(dir, "readings.jsonl");
const counts = args.map(Number);
const [first, second] = counts;
if (dir === "" || counts.some((n) => !Number.isSafeInteger(n) || n < 1)) {
  usage();
} else if (command === "log" && args.length <= 1) {
  await log(fromInput(), first);
} else if (command === "simulate" && first && args.length <= 2) {
  await log(simulated(first), second);
} else if (command === "csv" && args.length === 0) {
  const lines = csv((to) => MiniStore.replay<Reading>(path, { to }));
  for await (const line of lines) say(line);
} else usage();

async function log(
  readings: AsyncIterable<Omit<Reading, "boot">>,
  keep = 10_000,
): Promise<void> {
  await using store = await MiniStore.open<Reading>(path);
  say(`${store.sequence} readings (${store.recovery.outcome})`);
  let synced = store.sequence;
  const sync = async () => {
    const { sequence } = store;
    if (sequence === synced) return;
    await store.sync();
    say(`durable up to ${synced = sequence}`);
  };
  // Should it fail, that ends the program: opening finds out what is on the disk.
  const timer = setInterval(sync, SYNC_EVERY_MS);
  const boot = crypto.randomUUID();
  try {
    for await (const reading of readings) {
      const seq = await store.append({ boot, ...reading }, { durable: false });
      if (seq % keep === 0) await archive(store, seq - keep);
    }
    await sync();
  } finally {
    clearInterval(timer);
  }
}

/** Moves the readings up to this one into a file. Killed in between, the next time makes the file again. */
async function archive(store: MiniStore<Reading>, to: number): Promise<void> {
  const from = store.firstSequence;
  if (from <= to) {
    const name = `readings_${String(from).padStart(12, "0")}.csv`;
    const lines = csv((to) => store.replay({ to }), to);
    await place(name, await Array.fromAsync(lines));
    say(`${from} to ${to} are in ${name}`);
  }
  // Whole segments are removed: from here on another one is written.
  await store.rotate();
  await store.compact(Math.max(to, 0));
}

/** Writes a file that is wholly there, durably, or not at all; what it is made from may go then. */
async function place(name: string, lines: string[]): Promise<void> {
  const temporary = join(dir, `${name}.tmp`);
  const text = `${lines.join("\n")}\n`;
  await Deno.writeTextFile(temporary, text);
  {
    using file = await Deno.open(temporary, { read: true, write: true });
    await file.sync();
  }
  if (await Deno.readTextFile(temporary) !== text) {
    throw new Error(`"${temporary}" is not what was written`);
  }
  await Deno.rename(temporary, join(dir, name));
  await systemFileSystem.syncDirectory(dir);
}

/** The readings as CSV, each with its time as far as any reading of the same start tells. */
async function* csv(
  records: Records,
  to = MAX,
): AsyncGenerator<string, void, undefined> {
  let last = 0;
  const startedAt = new Map<string, number>();
  for await (const { seq, data: { boot, upMs, wallMs } } of records(MAX)) {
    last = Math.min(seq, to);
    const isKnown = wallMs >= KNOWN_FROM_MS && !startedAt.has(boot);
    if (isKnown) startedAt.set(boot, wallMs - upMs);
  }
  yield "seq,time,boot,up_ms,sensor,value";
  for await (const { seq, data } of records(last)) {
    const { boot, upMs, wallMs, sensor, value } = data;
    const ms = wallMs >= KNOWN_FROM_MS
      ? wallMs
      : (startedAt.get(boot) ?? NaN) + upMs;
    const time = Number.isNaN(ms) ? "" : new Date(ms).toISOString();
    yield [seq, time, boot, upMs, sensor, value].join();
  }
}

async function* fromInput(): AsyncGenerator<Omit<Reading, "boot">> {
  const lines: ReadableStream<string> = Deno.stdin.readable
    .pipeThrough(new TextDecoderStream())
    .pipeThrough(new TextLineStream());
  for await (const line of lines) {
    const [, sensor, value] =
      /^([a-z]\w{0,63}) (-?\d{1,15}(?:\.\d{1,9})?)$/.exec(line) ?? [];
    const clock = { upMs: Math.round(performance.now()), wallMs: Date.now() };
    if (sensor === undefined) say(`not a reading: ${line}`);
    // JSON has no -0, and sensors do; adding 0 makes it 0.
    else yield { ...clock, sensor, value: Number(value) + 0 };
  }
}

async function* simulated(
  count: number,
): AsyncGenerator<Omit<Reading, "boot">> {
  for (let at = 1; at <= count; at++) {
    const upMs = at * 100;
    const wallMs = at * 2 <= count ? upMs : Date.UTC(2030, 0, 1) + upMs;
    yield { upMs, wallMs, sensor: "kitchen", value: 20 + at % 7 / 2 };
  }
}

function usage(): void {
  say("usage: sensor_logger.ts DIR log [KEEP] | simulate COUNT [KEEP] | csv");
  Deno.exitCode = 2;
}

function say(line: string): void {
  // deno-lint-ignore no-console -- it is a command
  console.log(line);
}
