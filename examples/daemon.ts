// deno run --allow-read=./data --allow-write=./data examples/daemon.ts
// deno task compile && sensor | ./build/daemon
/**
 * A sensor logger: reads one `NAME VALUE` per line, and prints the summary of
 * that sensor once the reading is durable. Kill it when you like: started again,
 * it continues. Compiled, it is one file that may only read and write `./data`.
 */
import { StateManager } from "@mini/state/state";
import { TextLineStream } from "@std/streams/text-line-stream";

/** The summary of a sensor. */
interface Summary {
  readonly count: number;
  readonly min: number;
  readonly max: number;
  readonly last: number;
}

/** A reading of a sensor. */
interface Reading {
  readonly sensor: string;
  readonly value: number;
}

await using log = await StateManager.open("./data", {
  initial: (): Record<string, Summary> => ({}),
  apply: (sensors, { sensor, value }: Reading) => {
    const { count = 0, min = value, max = value } = sensors[sensor] ?? {};
    sensors[sensor] = {
      count: count + 1,
      min: Math.min(min, value),
      max: Math.max(max, value),
      last: value,
    };
  },
  // The disk holds the summaries, and few of the readings.
  snapshotEvery: 10_000,
  retain: { records: 0 },
});
say(`${log.sequence} readings (${log.recovery.outcome})`);

const lines: ReadableStream<string> = Deno.stdin.readable
  .pipeThrough(new TextDecoderStream())
  .pipeThrough(new TextLineStream());
for await (const line of lines) {
  const [, sensor, value] = /^([a-z]\w*) (-?\d+(?:\.\d+)?)$/.exec(line) ?? [];
  if (sensor === undefined) {
    say(`not a reading: ${line}`);
    continue;
  }
  // JSON has no -0, and sensors do; adding 0 makes it 0.
  const seq = await log.apply({ sensor, value: Number(value) + 0 });
  const { count, min, max } = log.state[sensor]!;
  say(`${seq} ${sensor} ${value}: ${count} readings, ${min} to ${max}`);
}

function say(line: string): void {
  // deno-lint-ignore no-console -- it is a command
  console.log(line);
}
