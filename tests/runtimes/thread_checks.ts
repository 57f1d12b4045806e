import type { Library } from "./library.ts";
import { type Kind, KINDS, tell, Thread } from "./thread.ts";
import {
  collect,
  equal,
  ok,
  type Refusal,
  refused,
  say,
  type Suite,
} from "./suite.ts";

const CALLERS = 16;
const RECORDS = 200;
const ROUNDS = 5;
const LINES_BEFORE_END = 200;
const MAX_WAIT_MS = 4_000;

const journal = (dir: string) => `${dir}/journal.jsonl`;

/** Checks a log that several threads of the process want. */
export async function checkThreads(
  suite: Suite,
  library: Library,
): Promise<void> {
  for (const kind of KINDS) {
    await checkWriting(suite, library, kind);
    await checkLocks(suite, library, kind);
  }
}

async function checkWriting(
  suite: Suite,
  { store: { MiniStore } }: Library,
  kind: Kind,
): Promise<void> {
  await suite.check(`${kind} thread: writes a log`, async (dir) => {
    const thread = new Thread(kind, dir, "thread-write");
    equal(await thread.lines(), [`closed ${RECORDS}`]);
    await thread.terminate();
    const store = await MiniStore.open<number>(journal(dir));
    equal([store.recovery.outcome, store.sequence], ["clean", RECORDS]);
    const found = await collect(store.replay());
    equal(found.map(({ data }) => data), Array.from(found, (_, n) => n));
    await store.close();
  });
}

async function checkLocks(
  suite: Suite,
  { store: { MiniStore } }: Library,
  kind: Kind,
): Promise<void> {
  await suite.check(`${kind} thread: is LOCKED out`, async (dir) => {
    const store = await MiniStore.open<number>(journal(dir));
    await store.append(1);
    equal(await ask(kind, dir), "LOCKED");
    equal(await store.append(2), 2);
    await store.close();
    equal(await ask(kind, dir), "opened 2");
  });
  await suite.check(`${kind} thread: keeps others out`, async (dir) => {
    const thread = new Thread(kind, dir, "thread-hold");
    equal(await thread.lines(), ["held"]);
    const { message } = await refused(
      "LOCKED",
      () => MiniStore.open(journal(dir)),
    );
    ok(message.includes("this process"), message);
    equal(await ask(kind, dir), "LOCKED");
    equal((await collect(MiniStore.replay(journal(dir)))).length, 1);
    await thread.terminate();
  });
}

/** The answer of another thread that opens the log. */
async function ask(kind: Kind, dir: string): Promise<string> {
  const thread = new Thread(kind, dir, "thread-open");
  const [told] = await thread.lines();
  await thread.terminate();
  return told!;
}

/** Ends threads in the middle of appends, and says what they were told was durable and whether the log then opens in the same process. */
export async function terminateThreads(
  { store: { MiniStore } }: Library,
  dir: string,
): Promise<void> {
  for (const kind of KINDS) {
    for (let round = 0; round < ROUNDS; round++) {
      const thread = new Thread(kind, dir, "thread-append");
      let count = 0;
      const sayAll = (lines: readonly string[]) => {
        for (const line of lines) say(line);
        count += lines.length;
      };
      while (count < LINES_BEFORE_END) sayAll(await thread.lines());
      sayAll(await thread.terminate());
      const store = await whenFree(() => MiniStore.open<string>(journal(dir)));
      if (store === undefined) return say("LOCKED");
      const data = `${kind} ${round}`;
      say(`${await store.append(data)} ${data}`);
      await store.close();
    }
  }
  say("opened");
}

/** Opens as soon as the log is free; `undefined` if it does not become so. */
async function whenFree<T>(open: () => Promise<T>): Promise<T | undefined> {
  for (let waitMs = 1; waitMs < MAX_WAIT_MS; waitMs *= 2) {
    try {
      return await open();
    } catch (error) {
      if ((error as Refusal).code !== "LOCKED") throw error;
    }
    // No event tells when the system has closed the files of a thread.
    await new Promise((resolve) => setTimeout(resolve, waitMs));
  }
  return undefined;
}

/** The parts of threads in these checks. */
export const THREAD_MODES: Readonly<
  Record<string, (library: Library, dir: string) => Promise<void>>
> = {
  async "thread-write"({ store: { MiniStore } }, dir) {
    const store = await MiniStore.open<number>(journal(dir));
    const values = Array.from({ length: RECORDS }, (_, index) => index);
    await Promise.all(values.map((value) => store.append(value)));
    await store.close();
    tell(`closed ${store.sequence}`);
  },
  async "thread-hold"({ store: { MiniStore } }, dir) {
    const store = await MiniStore.open<number>(journal(dir));
    await store.append(1);
    tell("held");
    setInterval(() => store.sequence, 60_000);
  },
  async "thread-open"({ store: { MiniStore } }, dir) {
    try {
      const store = await MiniStore.open(journal(dir));
      await store.close();
      tell(`opened ${store.sequence}`);
    } catch (error) {
      tell((error as Refusal).code);
    }
  },
  async "thread-append"({ store: { MiniStore } }, dir) {
    const store = await MiniStore.open<string>(journal(dir), {
      maxSegmentBytes: 100_000,
    });
    const callers = Array.from({ length: CALLERS }, async (_, caller) => {
      for (let turn = 0;; turn++) {
        const data = `${caller} ${turn}`;
        tell(`${await store.append(data)} ${data}`);
      }
    });
    await Promise.all(callers);
  },
};
