import type { FileSystem } from "../fs/file_system.ts";
import { verifyLines } from "../store/format/line.ts";
import { JournalPaths } from "../store/journal.ts";
import { START_BYTES, startOf } from "./neighbours.ts";

/** What a directory holds: a queue is a state too, but nobody else's. */
type Kind = "state" | "queue";

const DATA = '^.{18}"seq":\\d+,("durable":\\d+,)?("applied":\\d+,)?"data":';

/** A record that enqueues messages: of all entries of a queue the one that looks like nothing else. */
const ENQUEUE = new RegExp(
  `${DATA}\\{"apply":\\{"at":\\d+,("v":\\d+,)?("drift":-?\\d+,)?"enqueue":\\[\\{"id":\\d+,"payload":`,
);

/** A mutation that is no entry of a queue, not even a damaged one: an object that begins as none of them does; not where it is cut off, or lost, before that shows. */
const MUTATION = new RegExp(
  `${DATA}\\{"(applyBatch":|apply":\\{(?!\\}|"(at|v|drift|enqueue|receive|settle|expire|redrive|purge|paused|tick)":)([^\0]{10}|[^\0]*\n))`,
);

/** How the snapshot of a queue begins, and that of a state that is not in parts. Of one that is damaged neither is said. */
const LEDGER =
  /^\{\n {2}"mini": [^{]*"parts": \[\n\{"at":\d+,.*"nextOrder":\d+/;
const STATE = /^\{\n {2}"mini": [^{[]*\n {2}"state": /;

/** The options of states that are queues. */
const QUEUES = new WeakSet<object>();

/** Says of the options of a state that they are those of a queue. */
export function ofQueue<T extends object>(options: T): T {
  QUEUES.add(options);
  return options;
}

/**
 * Throws a `TypeError` where the directory of a state is opened as a queue, or
 * that of a queue as a state: neither can make anything of what the other has
 * logged, and it would write behind it.
 *
 * @param snapshot The newest snapshot, where there is one.
 */
export async function assertKind(
  fs: FileSystem,
  journal: string,
  snapshot: string | undefined,
  options: object,
): Promise<void> {
  const wanted = QUEUES.has(options) ? "queue" : "state";
  const paths = new JournalPaths(journal);
  const found = await kindOf(fs, paths, snapshot);
  if (found === undefined || found === wanted) return;
  throw new TypeError(
    `Cannot open "${paths.directory}" as a ${wanted}: it holds a ${found}; nothing was changed`,
  );
}

/** What a directory holds, as far as the first records of its active segment say, or its newest snapshot; `undefined` where nothing tells. */
export async function kindOf(
  fs: FileSystem,
  paths: JournalPaths,
  snapshot: string | undefined,
): Promise<Kind | undefined> {
  const [, ...records] = intact(await startOf(fs, paths.active));
  const isState = records.some((record) => MUTATION.test(record));
  const isQueue = records.some((record) => ENQUEUE.test(record));
  if (isState !== isQueue) return isState ? "state" : "queue";
  if (snapshot === undefined) return undefined;
  const text = await startOf(fs, snapshot);
  if (LEDGER.test(text)) return "queue";
  return STATE.test(text) ? "state" : undefined;
}

/** The lines that a log starts with, up to one that is damaged: opening will say so. */
function intact(start: string): string[] {
  const encoder = new TextEncoder();
  const lines = start.split("\n");
  // The last one goes on where the look at it has ended: nothing tells whether it is damaged.
  const isCut = encoder.encode(start).length >= START_BYTES;
  const cut = isCut ? lines.splice(-1) : [];
  const whole = lines.map((line) => `${line}\n`);
  let chain: number | undefined = 0;
  const count = whole.findIndex((line) => {
    chain = verifyLines(encoder.encode(line), chain!);
    return chain === undefined;
  });
  return count < 0 ? [...whole, ...cut] : whole.slice(0, count);
}
