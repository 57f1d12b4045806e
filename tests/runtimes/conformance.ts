/**
 * Checks the promises of the package on the runtime that runs this:
 * `conformance.ts DIR [MODE]`. It touches nothing outside DIR. Where
 * `@mini/state` comes from is up to the runner.
 */
import process from "node:process";
import { checkAdmin } from "./admin_checks.ts";
import { checkConsumers } from "./consumer_checks.ts";
import { checkDisk } from "./disk_checks.ts";
import { checkFolder, writeFolder } from "./exchange.ts";
import { checkFileSystem } from "./fs_checks.ts";
import { type Library, library } from "./library.ts";
import { checkOtel } from "./otel_checks.ts";
import { checkPackage } from "./package_checks.ts";
import { checkQueue } from "./queue_checks.ts";
import { checkSize } from "./size_checks.ts";
import { checkSnap } from "./snap_checks.ts";
import { checkState } from "./state_checks.ts";
import { checkStore } from "./store_checks.ts";
import { start, Thread } from "./thread.ts";
import {
  checkThreads,
  terminateThreads,
  THREAD_MODES,
} from "./thread_checks.ts";
import { checkTold } from "./told_checks.ts";
import { collect, type Refusal, say, Suite } from "./suite.ts";

type Mode = (library: Library, dir: string) => Promise<void>;

const MODES: Readonly<Record<string, Mode>> = {
  /** Everything that one process can check. */
  async all(library, dir) {
    const suite = new Suite(dir);
    await checkPackage(suite, library);
    await checkFileSystem(suite, library);
    await checkStore(suite, library);
    await checkConsumers(suite, library);
    await checkDisk(suite, library);
    await checkSnap(suite, library);
    await checkState(suite, library);
    await checkQueue(suite, library);
    await checkAdmin(suite, library);
    await checkOtel(suite, library);
    await checkTold(suite, library);
    suite.report();
    if (suite.failed > 0) process.exitCode = 1;
  },
  /** The same of logs, snapshots, states and queues that are large. */
  async size(library, dir) {
    const suite = new Suite(dir);
    await checkSize(suite, library);
    suite.report();
    if (suite.failed > 0) process.exitCode = 1;
  },
  /** Several threads that want one log. */
  async threads(library, dir) {
    const suite = new Suite(dir);
    await checkThreads(suite, library);
    suite.report();
    process.exit(suite.failed > 0 ? 1 : 0);
  },
  /** Ends threads that append. */
  async terminate(library, dir) {
    await terminateThreads(library, dir);
    process.exit(0);
  },
  /** Everything that one process can check, in a thread. */
  async "all-in-thread"(_library, dir) {
    await new Thread("node", dir, "all").ended();
  },
  ...THREAD_MODES,
  /** Nothing but to import the package. */
  async nothing() {},
  /** Leaves a folder for `verify`, on another runtime. */
  write: writeFolder,
  async verify(library, dir) {
    const suite = new Suite(dir);
    await checkFolder(suite, library, dir);
    suite.report();
    if (suite.failed > 0) process.exitCode = 1;
  },
  /** Keeps a log open until it is killed. */
  async hold({ store: { MiniStore } }, dir) {
    await MiniStore.open(`${dir}/journal.jsonl`);
    // Nobody holds the log now, and it is open all the same.
    for (let n = 0; n < 100; n++) new Uint8Array(1_000_000).fill(n);
    say("held");
    setInterval(() => {}, 60_000);
  },
  /** Keeps a log open until it is killed, if it is the one that gets it. */
  async race({ store: { MiniStore } }, dir) {
    await MiniStore.open(`${dir}/journal.jsonl`).then(
      () => say("held"),
      (error: Refusal) => say(error.code),
    );
    setInterval(() => {}, 60_000);
  },
  /** Opens a log, and says what comes of it. */
  async open({ store: { MiniStore } }, dir) {
    try {
      const store = await MiniStore.open(`${dir}/journal.jsonl`);
      say(`opened ${store.sequence} ${store.recovery.outcome}`);
      await store.close();
    } catch (error) {
      say(`${(error as Refusal).code} ${(error as Refusal).message}`);
    }
  },
  /** Reads a log beside its writer, and says how many records there are, or why not. */
  async read({ store: { MiniStore } }, dir) {
    try {
      const records = MiniStore.replay(`${dir}/journal.jsonl`, {
        ifMissing: "empty",
      });
      say(`read ${(await collect(records)).length}`);
    } catch (error) {
      say(`${(error as Refusal).code} ${(error as Refusal).message}`);
    }
  },
  /** Appends until there is no space left, and says how much was acknowledged. */
  async fill({ store: { MiniStore } }, dir) {
    const store = await MiniStore.open<string>(`${dir}/journal.jsonl`);
    let code = "";
    while (code === "") {
      const appended = store.append("x".repeat(1_000));
      await appended.catch((error: Refusal) => code = error.code);
    }
    const { sequence } = store;
    const records = (await collect(store.replay())).length;
    await store.append("").catch(() => {});
    say(`${code} after ${sequence}: ${records}, then ${store.sequence}`);
    await store.close();
  },
  /** Appends from many callers until it is killed, and says what was acknowledged. */
  async append({ store: { MiniStore } }, dir) {
    const store = await MiniStore.open<string>(`${dir}/journal.jsonl`, {
      maxSegmentBytes: 100_000,
    });
    const callers = Array.from({ length: 16 }, async (_, caller) => {
      for (let turn = 0;; turn++) {
        const data = `${process.pid} ${caller} ${turn}`;
        say(`${await store.append(data)} ${data}`);
      }
    });
    await Promise.all(callers);
  },
};

await start(
  import.meta.url,
  ([dir, mode = "all"]) => MODES[mode]!(library, dir!),
);
