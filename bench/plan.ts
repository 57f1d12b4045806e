import type { Contender } from "./contender.ts";
import { AWAITED, LOGS, NODE_LOGS } from "./logs.ts";
import { QUEUE, SNAPSHOT, STATE, STORE, SYNC, WHOLE } from "./ours.ts";
import { NODE_QUEUES, QUEUES } from "./queues.ts";
import type { Task } from "./task.ts";

/** Who takes part, and where. */
export interface Who extends Omit<Contender<unknown>, "open"> {
  readonly isUnderNode: boolean;
}

/** One thing that is measured, for all who take part in it. */
export interface Measure {
  readonly id: string;
  readonly what: string;
  readonly task: Omit<Task, "dir">;
  readonly who: readonly Who[];
  /** Whether there must be something to read first. */
  readonly isOfReading?: boolean;
  /** Whether the fsyncs of an operation are counted. */
  readonly isOfSyncs?: boolean;
  /** Whether a round is long enough to be the only one. */
  readonly isOnce?: boolean;
}

/** The floor, which takes part in everything. */
export const FLOOR: Who = {
  name: "floor",
  setting: "plain files and nothing around them: see bench/floor.ts",
  isDurable: true,
  isUnderNode: false,
};

const under = (isUnderNode: boolean) =>
(
  { name, setting, isDurable, not = [] }: Contender<unknown>,
): Who => ({ name, setting, isDurable, not, isUnderNode });

const logs = [...LOGS.map(under(false)), ...NODE_LOGS.map(under(true))];
const queues = [...QUEUES.map(under(false)), ...NODE_QUEUES.map(under(true))];
const ours = [STORE, STATE, SNAPSHOT, WHOLE, AWAITED, SYNC].map(under(false));
const [store, state, snapshot, whole, awaited, sync] = ours as [
  Who,
  Who,
  Who,
  Who,
  Who,
  Who,
];
const queue = under(false)(QUEUE);

/** Everybody but the floor, each once. */
export const EVERYBODY: readonly Who[] = [...logs, ...queues];

/** The measures, in order. */
export function plan(
  isQuick: boolean,
  hasBrowser: boolean,
  seed: number = 1,
): Measure[] {
  const seconds = isQuick ? 0.4 : 1;
  const many = isQuick ? 100_000 : 1_000_000;
  const base = { callers: 1, count: 1, seconds };
  const appends = [1, 8, 64, 1024].map((callers): Measure => ({
    id: `append-${callers}`,
    what: `durable appends, ${amount(callers)}`,
    task: { ...base, work: "append", callers },
    who: callers === 1 ? [store, sync, awaited, ...logs] : [store, ...logs],
    isOfSyncs: true,
  }));
  return [
    ...appends,
    {
      id: "batch",
      what: "durable batches of 100",
      task: { ...base, work: "batch", count: 100 },
      who: [store, ...logs],
      isOfSyncs: true,
    },
    {
      id: "read",
      what: `opening ${many.toLocaleString("en")} records of 100,000 keys`,
      task: { ...base, work: "read", count: many },
      who: [state, whole, store, ...logs],
      isOfReading: true,
    },
    {
      id: "open",
      what: "opening 100,000 keys",
      task: { ...base, work: "read", count: 100_000 },
      who: [snapshot, ...logs],
      isOfReading: true,
    },
    {
      id: "snapshot",
      what: "a snapshot of 100,000 keys",
      task: { ...base, work: "snapshot", count: 100_000 },
      who: [store],
    },
    view({ ...base, work: "view", seconds: isQuick ? 2 : 5 }),
    ...hasBrowser ? [page({ ...base, work: "page" }, isQuick)] : [],
    ...ofQueue(base, isQuick),
    ...loads({ ...base, seconds: isQuick ? 0.6 : 3, seed }),
  ];
}

function ofQueue(
  base: Omit<Measure["task"], "work">,
  isQuick: boolean,
): Measure[] {
  const enqueues = [1, 64].map((callers): Measure => ({
    id: `enqueue-${callers}`,
    what: `queue: enqueue, ${amount(callers)}`,
    task: { ...base, work: "enqueue", callers },
    who: [queue, ...queues],
    isOfSyncs: true,
  }));
  const drains = [1, 64].map((callers): Measure => ({
    id: `drain-${callers}`,
    what: `queue: receive and acknowledge, ${amount(callers)}`,
    task: {
      ...base,
      work: "drain",
      callers,
      count: (isQuick ? 2_000 : 10_000) * (callers === 1 ? 1 : 5),
    },
    who: [queue, ...queues],
    isOfSyncs: true,
  }));
  return [
    ...enqueues,
    ...drains,
    {
      id: "latency",
      what: "queue: from enqueue to the consumer",
      task: { ...base, work: "latency", count: isQuick ? 100 : 200 },
      who: [queue, ...queues],
    },
  ];
}

/** Load that comes at a rate. */
function loads(task: Omit<Measure["task"], "work">): Measure[] {
  return [
    {
      id: "load-append",
      what: `appends that come at a rate (seed ${task.seed})`,
      task: { ...task, work: "load" },
      who: [store, ...logs],
      isOnce: true,
    },
    {
      id: "load-queue",
      what:
        `messages that come at a rate, until acknowledged (seed ${task.seed})`,
      task: { ...task, work: "serve" },
      who: [queue, ...queues],
      isOnce: true,
    },
  ];
}

/** The page of a log: of a gigabyte, in a run that is not quick. */
function page(task: Measure["task"], isQuick: boolean): Measure {
  const count = isQuick ? 700_000 : 7_000_000;
  const size = isQuick ? "a tenth of a gigabyte" : "a gigabyte";
  const what = `the page of a log of ${size}, against an empty page`;
  const part = { task: { ...task, count }, who: [store], isOnce: true };
  return { id: "page", what, ...part };
}

function view(task: Measure["task"]): Measure {
  const what = "a view of 100,000 keys beside 10,000 writes a second";
  return { id: "view", what, task, who: [store] };
}

function amount(callers: number): string {
  return callers === 1 ? "1 caller" : `${callers.toLocaleString("en")} callers`;
}
