// deno run --allow-read --allow-write=./jobs examples/job_worker.ts ./jobs add FILE...
// deno run --allow-read --allow-write=./jobs examples/job_worker.ts ./jobs work
/**
 * A worker that computes the SHA-256 of files. Jobs survive crashes of the
 * worker; one whose file is not there yet is tried again later, one that can
 * never succeed is dead, and says why.
 */
import { DeadLetterError, MiniQueue, RetryLaterError } from "@mini/state/queue";

/** A file to be hashed. */
interface Job {
  readonly file: string;
}

const [dir, command, ...files] = Deno.args;
if (dir === undefined || command !== "add" && command !== "work") {
  say("usage: job_worker.ts DIR add FILE... | job_worker.ts DIR work");
  Deno.exit(2);
}

await using queue = await MiniQueue.open<Job>(dir, { maxAttempts: 3 });
if (command === "add") await add(files);
else await work();

async function add(files: readonly string[]): Promise<void> {
  for (const file of files) {
    // The same file again within five minutes is the same job.
    const { id, deduplicated } = await queue.enqueue({ file }, {
      dedupeKey: file,
    });
    say(`job ${id}: ${file}${deduplicated ? " (already there)" : ""}`);
  }
}

async function work(): Promise<void> {
  const stop = new AbortController();
  Deno.addSignalListener("SIGINT", () => stop.abort());
  const working = queue.work(async ({ id, payload }) => {
    say(`job ${id}: ${await hash(payload.file)}  ${payload.file}`);
  }, { concurrency: 4, signal: stop.signal });
  // A daemon would keep running; this one ends when nothing is left to do.
  while (await isBusy()) await new Promise((wake) => setTimeout(wake, 50));
  stop.abort();
  await working;
  for (const { id, payload, reason } of await queue.deadLetters()) {
    say(`job ${id} is dead: ${payload.file}: ${reason}`);
  }
}

async function isBusy(): Promise<boolean> {
  const { ready, delayed, inFlight } = await queue.stats();
  return ready + delayed + inFlight > 0;
}

async function hash(file: string): Promise<string> {
  let bytes: Uint8Array<ArrayBuffer>;
  try {
    bytes = await Deno.readFile(file);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) {
      throw new RetryLaterError(1_000, "it is not there yet");
    }
    throw new DeadLetterError(`it cannot be read: ${(error as Error).message}`);
  }
  const digest = await crypto.subtle.digest("SHA-256", bytes);
  return new Uint8Array(digest).toHex();
}

function say(line: string): void {
  // deno-lint-ignore no-console -- it is a command
  console.log(line);
}
