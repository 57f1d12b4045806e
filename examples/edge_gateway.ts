// deno run --allow-read=./readings --allow-write=./readings --allow-net examples/edge_gateway.ts ./readings centre:4222
/**
 * A gateway at the edge, whose network comes and goes: it takes readings from
 * stdin, `SENSOR VALUE` a line, keeps them on its own disk, and carries them to a
 * stream of NATS JetStream in the centre when it can reach it, each once and in
 * order. Whatever is killed or cut meanwhile, no reading is lost or sent twice.
 *
 * A reader in the centre, in any language, subscribes to `readings.>`. A message is
 * the JSON of a reading; its headers say which log it is of, and its number there.
 */
import { join } from "@std/path";
import { TextLineStream } from "@std/streams/text-line-stream";
import { connect } from "@nats-io/transport-node";
import { connectionOptions, forward } from "@mini/state/jetstream";
import { type MiniError, MiniStore } from "@mini/state/store";

interface Reading {
  readonly sensor: string;
  readonly value: number;
}

/** After this many readings, the disk is freed of those that the centre has. */
const COMPACT_EVERY = 1_000;

const [dir, server, replicas = "3", ...others] = Deno.args;
const isCount = ["1", "3", "5"].includes(replicas);
if (dir === undefined || server === undefined || !isCount || others.length) {
  say("usage: edge_gateway.ts DIR HOST:PORT [REPLICAS]");
  Deno.exit(2);
}
const log = await MiniStore.open<Reading>(join(dir, "readings.jsonl"), {
  timestamps: true,
  maxSegmentBytes: 256 * 1024,
});
say(`${log.sequence} readings (${log.recovery.outcome})`);
await Promise.race([uplink(server), take()]);
await log.close();
// What the centre does not have yet is sent when the gateway starts again.
Deno.exit();

async function uplink(servers: string): Promise<void> {
  const nc = await connect({
    servers,
    ...connectionOptions,
    waitOnFirstConnect: true,
  });
  say("the centre is there");
  await forward(log, nc, {
    consumer: "uplink",
    stream: "READINGS",
    subject: "readings",
    replicas: Number(replicas) as 1 | 3 | 5,
    onError: ({ code }: MiniError) => say(`waiting for the centre: ${code}`),
  });
}

/** Takes what the sensors say, whether or not there is a network. */
async function take(): Promise<void> {
  const lines: ReadableStream<string> = Deno.stdin.readable
    .pipeThrough(new TextDecoderStream())
    .pipeThrough(new TextLineStream());
  for await (const line of lines) {
    const [, sensor, value] = /^([a-z]\w{0,63}) (-?\d{1,15}(?:\.\d{1,9})?)$/
      .exec(line) ?? [];
    if (sensor === undefined) {
      say(`not a reading: ${line}`);
      continue;
    }
    // JSON has no -0, and sensors do; adding 0 makes it 0.
    const seq = await log.append({ sensor, value: Number(value) + 0 });
    say(`kept reading ${seq}`);
    // It waits for the consumer, and so for the centre.
    if (seq % COMPACT_EVERY === 0) await log.compact(seq);
  }
}

function say(line: string): void {
  // deno-lint-ignore no-console -- it is a command
  console.log(line);
}
