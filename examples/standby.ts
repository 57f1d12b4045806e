// deno run --allow-read --allow-run examples/standby.ts ./ledger 3
/**
 * A hot standby: two processes hold the same state. One writes, and is killed in
 * the middle of it; the other takes over without replaying the log, and a new one
 * stands by. Counts what was lost of what a writer had called durable: nothing.
 *
 *     DIR ROUNDS    starts the processes, and kills as many writers
 *     DIR           is one of them: stands by, and writes once it may
 */
import { TextLineStream } from "@std/streams/text-line-stream";
import { type StateOptions, StateView } from "@mini/state/state";

/** Numbers, and their sum. */
interface Ledger {
  readonly count: number;
  readonly sum: number;
}

const LEDGER: StateOptions<Ledger, number> = {
  initial: () => ({ count: 0, sum: 0 }),
  apply: ({ count, sum }, by) => ({ count: count + 1, sum: sum + by }),
  immutable: true,
};

/** How many callers write at once. */
const CALLERS = 8;
/** How many numbers a writer calls durable before it is killed. */
const NUMBERS = 200;

async function standBy(dir: string): Promise<void> {
  await using view = await StateView.open(dir, {
    ...LEDGER,
    ifMissing: "empty",
  });
  say("standing by");
  await using ledger = await view.promote({ waitMs: 3_600_000 });
  say(`took over after ${ledger.sequence}`);
  const callers = Array.from({ length: CALLERS }, async () => {
    // Until it is killed.
    for (;;) say(`${await ledger.apply(2)} is durable`);
  });
  await Promise.all(callers);
}

async function killWriters(dir: string, rounds: number): Promise<void> {
  const standbys: Standby[] = [];
  const start = async () => {
    const standby = new Standby(dir);
    standbys.push(standby);
    await standby.line();
    return standby;
  };
  let lost = 0;
  try {
    let writer = await start();
    await writer.line();
    for (let round = 1; round <= rounds; round++) {
      const next = await start();
      const durable = await writer.killAfter(NUMBERS);
      const took = numberIn(await next.line());
      lost += Math.max(0, durable - took);
      say(`${durable} were durable; the next writer took over after ${took}`);
      writer = next;
    }
  } finally {
    for (const standby of standbys) await standby.kill();
  }
  await using view = await StateView.open(dir, LEDGER);
  const { count, sum } = view.state;
  say(`${count} numbers, ${sum} in all, ${lost} lost`);
  if (lost > 0 || sum !== 2 * count) Deno.exitCode = 1;
}

/** Another process of this program, and what it says. */
class Standby {
  readonly #child: Deno.ChildProcess;
  readonly #lines: ReadableStreamDefaultReader<string>;

  constructor(dir: string) {
    const flags = [`--allow-read=${dir}`, `--allow-write=${dir}`];
    this.#child = new Deno.Command(Deno.execPath(), {
      args: ["run", "--no-prompt", ...flags, import.meta.filename!, dir],
      stdout: "piped",
    }).spawn();
    const lines: ReadableStream<string> = this.#child.stdout
      .pipeThrough(new TextDecoderStream())
      .pipeThrough(new TextLineStream());
    this.#lines = lines.getReader();
  }

  /** The next line; empty at the end. */
  async line(): Promise<string> {
    return (await this.#lines.read()).value ?? "";
  }

  /** Kills it once it has said this many lines; resolves to the last number that it had called durable. */
  async killAfter(lines: number): Promise<number> {
    let last = 0;
    for (let count = 1;; count++) {
      const line = await this.line();
      if (line === "") return last;
      if (line.endsWith("is durable")) last = Math.max(last, numberIn(line));
      if (count === lines) this.#child.kill("SIGKILL");
    }
  }

  /** Kills it, if it still runs. */
  async kill(): Promise<void> {
    try {
      this.#child.kill("SIGKILL");
    } catch {
      // It has ended.
    }
    await this.#lines.cancel();
    await this.#child.status;
  }
}

function numberIn(line: string): number {
  return Number(/\d+/.exec(line));
}

function say(line: string): void {
  // deno-lint-ignore no-console -- it is a command
  console.log(line);
}

const [dir, rounds] = Deno.args;
if (dir === undefined || rounds !== undefined && !/^[1-9]\d*$/.test(rounds)) {
  say("usage: standby.ts DIR [ROUNDS]");
  Deno.exitCode = 2;
} else if (rounds === undefined) await standBy(dir);
else await killWriters(dir, Number(rounds));
