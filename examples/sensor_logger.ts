// deno run --allow-read=./readings --allow-write=./readings examples/sensor_logger.ts ./readings log
// deno run --allow-read=./readings examples/sensor_logger.ts ./readings csv
/**
 * A logger for a device with a small disk, whose power may go at any moment, and
 * whose clock starts in 1970 until somebody sets it:
 *
 *     log [KEEP]     readings from stdin, `SENSOR VALUE` a line
 *     csv [SINCE]    what is in the log, also while one is logging
 *
 * A reading is written at once, so that the end of the program loses none, and
 * synced once a second with all others: a power cut takes the last second, and
 * the disk has one sync to do and not one for each reading. To wait for every
 * reading, leave out `durable: false`.
 *
 * The last KEEP readings stay in the log; older ones go, a segment at a time.
 */
import { join } from "@std/path";
import { TextLineStream } from "@std/streams/text-line-stream";
import { type LogRecord, MiniStore } from "@mini/state/store";

/**
 * The log adds the time as far as the clock was set. Where it was not, a later
 * reading of the same start of the program tells, by a clock that nobody sets.
 */
interface Reading {
  readonly boot: string;
  readonly upMs: number;
  readonly sensor: string;
  readonly value: number;
}

const SYNC_EVERY_MS = 1_000;

const [dir = "", command, argument, ...others] = Deno.args;
const path = join(dir, "readings.jsonl");
const keep = Number(argument ?? 10_000);
const since = argument === undefined ? undefined : new Date(argument);
const isFine = dir !== "" && others.length === 0;
if (isFine && command === "log" && Number.isSafeInteger(keep) && keep > 0) {
  await log(keep);
} else if (isFine && command === "csv" && !Number.isNaN(since?.getTime())) {
  await csv();
} else {
  say("usage: sensor_logger.ts DIR log [KEEP] | csv [SINCE]");
  Deno.exitCode = 2;
}

async function log(keep: number): Promise<void> {
  await using store = await MiniStore.open<Reading>(path, {
    timestamps: true,
    keep: { records: keep },
    maxSegmentBytes: 64 * 1024,
  });
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
  try {
    const lines: ReadableStream<string> = Deno.stdin.readable
      .pipeThrough(new TextDecoderStream())
      .pipeThrough(new TextLineStream());
    await lines.pipeThrough(readings())
      .pipeTo(store.writable({ durable: false }));
    await sync();
  } finally {
    clearInterval(timer);
  }
}

function readings(): TransformStream<string, Reading> {
  const boot = crypto.randomUUID();
  return new TransformStream({
    transform(line, controller) {
      const [, sensor, value] =
        /^([a-z]\w{0,63}) (-?\d{1,15}(?:\.\d{1,9})?)$/.exec(line) ?? [];
      const upMs = Math.round(performance.now());
      if (sensor === undefined) say(`not a reading: ${line}`);
      // JSON has no -0, and sensors do; adding 0 makes it 0.
      else controller.enqueue({ boot, upMs, sensor, value: Number(value) + 0 });
    },
  });
}

/** Prints the readings, each with its time as far as any reading of the same start tells. */
async function csv(): Promise<void> {
  const startedAt = new Map<string, number>();
  for await (const { at, data: { boot, upMs } } of records()) {
    const isKnown = at !== undefined && !startedAt.has(boot);
    if (isKnown) startedAt.set(boot, at.getTime() - upMs);
  }
  say("seq,time,boot,up_ms,sensor,value");
  for await (const { seq, at, data } of records()) {
    const { boot, upMs, sensor, value } = data;
    const ms = at?.getTime() ?? (startedAt.get(boot) ?? NaN) + upMs;
    const time = Number.isNaN(ms) ? "" : new Date(ms).toISOString();
    say([seq, time, boot, upMs, sensor, value].join());
  }
}

function records(): AsyncIterable<LogRecord<Reading>> {
  return MiniStore.replay(path, { ...(since !== undefined && { since }) });
}

function say(line: string): void {
  // deno-lint-ignore no-console -- it is a command
  console.log(line);
}
