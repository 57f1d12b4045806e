/** A queue at work, with an inspector mounted beside it. */
import { createInspector } from "@mini/state/inspect";
import { MiniQueue } from "@mini/state/queue";

/** How long it works before the picture is taken, and the length of a wave of messages, in seconds. */
const SECONDS = 45;
const WAVE = 7;

/** A queue at work, and the address of its page. */
export interface Busy extends AsyncDisposable {
  readonly url: URL;
  /** Works until there is something to see. */
  run(): Promise<void>;
}

/** Opens a queue, and serves its page. */
export async function openBusy(dir: string): Promise<Busy> {
  const queue = await MiniQueue.open<{ to: string }>(dir, {
    maxAttempts: 2,
    backoff: () => 400,
    keepFinished: { count: 2, ageMs: 3_600_000 },
    schedules: {
      "nightly report": {
        when: { nextRun: () => new Date("2099-01-02T03:00:00Z") },
        payload: { to: "report@example.org" },
      },
    },
  });
  const inspector = createInspector(queue, {
    authorize: () => true,
    actions: ["redrive", "cancel", "purge", "pause", "resume"],
  });
  const options = { port: 0, hostname: "127.0.0.1", onListen() {} };
  const server = Deno.serve(options, inspector.fetch);
  const stop = new AbortController();
  return {
    url: new URL(`http://127.0.0.1:${server.addr.port}/jobs/`),
    run: () => work(queue, stop.signal),
    async [Symbol.asyncDispose]() {
      stop.abort();
      await inspector.close();
      await server.shutdown();
      await queue.close();
    },
  };
}

async function work(
  queue: MiniQueue<{ to: string }>,
  signal: AbortSignal,
): Promise<void> {
  let handled = 0;
  let long = 0;
  void queue.work(async ({ payload: { to } }, { signal }) => {
    const isLong = ++handled > 400 && to.startsWith("ada") && ++long <= 2;
    await sleep(isLong ? 600_000 : 12, signal);
    if (to.endsWith("invalid")) throw new Error("550 no such user");
  }, { concurrency: 4, signal, stopTimeoutMs: 0 }).catch(() => {});
  const names = ["ada", "bob", "eve", "grace", "linus"];
  for (let second = 0; second < SECONDS; second++) {
    const many = Math.round(14 + 10 * Math.sin(second * 2 * Math.PI / WAVE));
    for (let at = 0; at < many; at++) {
      const to = `${names[(second + at) % names.length]}@example.org`;
      await queue.enqueue({ to });
    }
    if (second % 20 === 10) {
      await queue.enqueue({ to: "nobody@example.invalid" });
    }
    await sleep(1_000, signal);
  }
}

function sleep(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener("abort", () => {
      clearTimeout(timer);
      resolve();
    }, { once: true });
  });
}
