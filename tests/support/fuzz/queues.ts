import { assert, assertEquals } from "@std/assert";
import { createInspector, type InspectTarget } from "@mini/state/inspect";
import { MiniQueue, type QueueStats, QueueView } from "@mini/state/queue";
import { MiniStore } from "@mini/state/store";
import type { MemoryFileSystem } from "@mini/state/testing";
import { FakeClock } from "../fake_clock.ts";
import { assertProblem, attempt, unchanging } from "./attempt.ts";
import { DIR, type FuzzRequest, JOURNAL } from "./input.ts";

/** The queue's reducer: whatever its log holds, each question is answered, and the queue is there again after it was closed. */
export async function ledgers(fs: MemoryFileSystem): Promise<void> {
  const clock = new FakeClock(Date.UTC(2026, 10, 30));
  const options = { fs, clock, keepFinished: { count: 3 } };
  const viewed = await unchanging(fs, async () => {
    await using view = await QueueView.open(DIR, { fs, clock });
    return await view.stats();
  }, true);
  const opened = await attempt(() => MiniQueue.open<unknown>(DIR, options));
  if (opened.value === undefined) return;
  let count = 0;
  {
    await using queue = opened.value;
    if (viewed.value !== undefined) {
      // Opening takes back what was in flight, and forgets what is kept no more.
      assertEquals((await queue.stats()).paused, viewed.value.paused);
    }
    for (const task of tasksOf(queue)) await attempt(task);
    await attempt(() => queue.compact());
    count = countOf(await queue.stats());
  }
  await using again = await MiniQueue.open<unknown>(DIR, options);
  // Which of a group are ready is another matter: a forged log may have two in flight.
  assertEquals(countOf(await again.stats()), count);
}

function countOf(
  { ready, blocked, delayed, inFlight, dead }: QueueStats,
): number {
  return ready + blocked + delayed + inFlight + dead;
}

/** All that can be asked of a queue, and some of what can be done with it. */
function tasksOf(queue: MiniQueue<unknown>): (() => Promise<unknown>)[] {
  return [
    () => queue.peek(20),
    () => queue.deadLetters(),
    () => queue.finished(),
    () => queue.schedules(),
    () => queue.metrics(),
    () => queue.health(),
    ...[1, 2, 3, 4, 5].map((id) => () => queue.get(id)),
    () => queue.enqueue("added", { group: "g", dedupeKey: "a", delayMs: 5 }),
    () => queue.update(4, { priority: 3 }),
    () => queue.resume(),
    async () => {
      const messages = await queue.receiveBatch(3);
      await messages[0]?.ack({ is: "done" });
      await messages[1]?.nack({ delayMs: 10 });
      await messages[2]?.deadLetter("bad");
    },
    () => queue.cancel(3),
    () => queue.redrive("all"),
    () => queue.purge("dead"),
    async () => {
      const signal = AbortSignal.abort();
      await attempt(async () => {
        for await (const _ of queue.events({ from: 1, signal }));
      }).catch((error) => assert(error === signal.reason, error));
    },
  ];
}

const MOUNT = "http://localhost/log/";
/** The statuses of answers; 500 is none. */
const STATUSES = [200, 308, 400, 401, 403, 404, 405, 409, 413, 415, 503];

/** The routes of an inspector of files, and of a queue that is open. */
export async function routes(
  fs: MemoryFileSystem,
  request: FuzzRequest,
): Promise<void> {
  await unchanging(fs, () => answer(DIR, fs, request, []), true);
  const clock = new FakeClock(Date.UTC(2026, 10, 30));
  await attempt(async () => {
    await using queue = await MiniQueue.open<unknown>(DIR, { fs, clock });
    await answer(queue, fs, request, ["cancel", "purge", "redrive", "pause"]);
  });
  await attempt(async () => {
    await using store = await MiniStore.open<unknown>(JOURNAL, { fs });
    await answer(store, fs, request, ["compact"]);
  });
}

async function answer(
  target: InspectTarget,
  fs: MemoryFileSystem,
  { method, path, headers, body }: FuzzRequest,
  actions: readonly ("cancel" | "purge" | "redrive" | "pause" | "compact")[],
): Promise<void> {
  const inspector = createInspector(target, {
    authorize: () => true,
    actions,
    ...(typeof target === "string" && { fs }),
    definition: {
      initial: (): unknown => [],
      apply: (state: unknown, mutation: unknown) => ({ state, mutation }),
      immutable: true,
    },
  });
  try {
    const overview = await inspector.fetch(new Request(`${MOUNT}api/overview`));
    const { token = "" } = await overview.json();
    const made = requestOf(
      method,
      path,
      { ...headers, "x-mini-token": token },
      body,
    );
    if (made === undefined) return;
    const response = await inspector.fetch(made);
    assert(STATUSES.includes(response.status), `status ${response.status}`);
    await assertAnswer(response);
  } finally {
    await inspector.close();
  }
}

/** A request, unless it is none that a server would pass on. */
function requestOf(
  method: string,
  path: string,
  headers: Record<string, string>,
  body?: string,
): Request | undefined {
  const hasBody = method !== "GET" && method !== "HEAD" && body !== undefined;
  try {
    return new Request(new URL(path, MOUNT), {
      method,
      headers,
      ...(hasBody && { body }),
    });
  } catch {
    return undefined;
  }
}

/** The first of a stream is enough; an error has a code that is documented, or is the fault of the request. */
async function assertAnswer(response: Response): Promise<void> {
  const type = response.headers.get("content-type") ?? "";
  assertEquals(response.headers.get("x-content-type-options"), "nosniff");
  if (!type.includes("json") || type.includes("ndjson")) {
    const reader = response.body?.getReader();
    await reader?.read();
    return await reader?.cancel();
  }
  const { error } = await response.json();
  if (error !== undefined && response.status === 200) assertProblem(error);
}
