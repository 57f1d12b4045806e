import { jobEntries } from "../jobs.ts";
import type { FuzzRequest, Input } from "./input.ts";
import type { TargetName } from "./targets.ts";

const ID = "00112233445566778899aabbccddeeff";

function header(base: number): string {
  const prev = base === 0 ? "00000000" : "*";
  return `{"mini":1,"journal":"${ID}","base":${base},"prev":"${prev}"}`;
}

function sealed(base: number): string {
  return `journal.${String(base).padStart(20, "0")}.jsonl`;
}

function position(base: number, seq: number): string {
  return `{"mini":1,"journal":"${ID}","base":${base},"seq":${seq},"chain":"*"}`;
}

const LOG: Input = {
  files: {
    [sealed(0)]: [
      header(0),
      '{"seq":1,"at":1767225600000,"data":{"a":1}}',
      '{"seq":2,"batch":["b",null,[1,2]]}',
    ],
    [sealed(4)]: [
      header(4),
      '{"seq":5,"data":5}',
      '{"close":5}',
      '{"seq":6,"durable":4,"data":6}',
    ],
    "journal.jsonl": [
      header(6),
      '{"seq":7,"applied":5,"data":"c"}',
      '{"close":7}',
      '{"close":7}',
    ],
    "journal.jsonl.consumer.c": [position(0, 1)],
  },
};

const SMALL: Input = {
  files: { "journal.jsonl": [header(0), '{"seq":1,"data":1}'] },
};

const RUST: Input = {
  files: {
    "journal.jsonl": ["// MINISTORE JOURNAL v1.0.0", '{"type":"inc"}', "7"],
    "journal.jsonl.001": ["// MINISTORE JOURNAL v1.0.0", "1", "2"],
  },
};

function snapshot(seq: number, rest: object): Record<string, string[]> {
  const name = `snapshot_${String(seq).padStart(20, "0")}.json`;
  const fields = { mini: 1, seq, journal: ID, ...rest };
  return { [name]: [JSON.stringify(fields)] };
}

const STATE: Input = {
  files: {
    ...snapshot(2, { version: 1, state: { value: [1] } }),
    ...snapshot(4, { state: null }),
    [sealed(2)]: [
      header(2).replace("*", "00000000"),
      '{"seq":3,"data":{"apply":1}}',
    ],
    "journal.jsonl": [
      header(3),
      '{"seq":4,"data":{"apply":{"a":1}}}',
      '{"seq":5,"data":{"applyBatch":[1,2]}}',
      '{"seq":6,"data":{"abort":5}}',
      '{"seq":7,"applied":6,"data":{"apply":null,"version":2}}',
    ],
  },
};

function queueOf(entries: readonly object[]): Input {
  const records = entries.map((apply, index) =>
    JSON.stringify({ seq: index + 1, data: { apply } })
  );
  return { files: { "journal.jsonl": [header(0), ...records] } };
}

/** Entries of the kinds that jobs do not need. */
const OTHERS: object[] = [
  {
    at: 10,
    enqueue: [1, 2, 3, 4].map((id) => ({ id, payload: id, group: "g" })),
  },
  {
    at: 10,
    enqueue: [{
      id: 5,
      payload: 5,
      due: 50,
      dedupe: { key: "a", until: 9_000 },
      priority: 2,
    }],
  },
  { at: 11, receive: [1] },
  {
    at: 12,
    settle: [{ id: 1, receipt: 1, as: "retried", due: 20, reason: "no" }],
  },
  { at: 30, drift: 5, receive: [1, 5] },
  {
    at: 31,
    settle: [{
      id: 1,
      receipt: 2,
      as: "dead",
      reason: "bad",
      error: { name: "E", message: "m" },
    }],
  },
  { at: 32, expire: [{ id: 5, receipt: 1, as: "retried", refund: true }] },
  { at: 33, redrive: [1, { id: 2, due: 60 }] },
  { at: 34, purge: [3] },
  { at: 35, paused: true },
  { at: 36, gone: ["x"] },
  { at: 37, tick: true },
];

const WAITING = {
  order: 1,
  at: 1,
  payload: 1,
  priority: 0,
  due: 0,
  attempts: 1,
  receipt: 1,
  inFlight: false,
};
const ENDED = {
  at: 1,
  payload: 4,
  priority: 0,
  attempts: 1,
  endedAt: 9,
  size: 50,
};
const SPAN = { since: 4, upTo: 5, ahead: 6, last: 5, fired: [[7, 8]] };
const CAUSE = { name: "E", message: "m", cause: { name: "F", message: "n" } };

/** The parts of a ledger in a snapshot, one of each kind. */
const PARTS: object[] = [
  { at: 11, v: 2, drift: 0, nextId: 9, nextOrder: 9, paused: false },
  { message: { id: 1, ...WAITING, inFlight: true, group: "g", reason: "no" } },
  { message: { id: 2, ...WAITING, when: 99, headers: { a: "b" } } },
  { dead: { id: 3, ...WAITING, reason: "bad", diedAt: 3, error: CAUSE } },
  { dedupe: { key: "k", id: 1, until: 100 } },
  { finished: { id: 4, ...ENDED, as: "acked", result: 4 } },
  { finished: { id: 5, ...ENDED, as: "cancelled", reason: "r" } },
  { schedule: { name: "s", clock: "wall", missed: 2, ...SPAN } },
];

const QUEUES: Input[] = [
  queueOf(
    jobEntries().map((entry, at) => ({ ...entry, at: 1_790_000_000_000 + at })),
  ),
  queueOf(OTHERS),
  {
    files: {
      ...queueOf(OTHERS.slice(0, 3)).files,
      ...snapshot(2, { parts: PARTS }),
    },
  },
];

const SAME_ORIGIN = { "sec-fetch-site": "same-origin" };
const REQUESTS: FuzzRequest[] = [
  "",
  "api/overview",
  "api/records?from=1&count=5",
  "api/record?seq=2",
  "api/state?at=3",
  "api/queue?after=1&limit=3",
  "api/search?text=a&from=1",
  "api/live",
].map((path) => ({ method: "GET", path, headers: { accept: "text/html" } }));
const ACTIONS: FuzzRequest[] = Object.entries({
  redrive: { which: [1], perSecond: 10 },
  cancel: { id: 3, reason: "no" },
  purge: { which: "dead" },
  pause: {},
  compact: {},
}).map(([name, body]) => ({
  method: "POST",
  path: `api/actions/${name}`,
  headers: SAME_ORIGIN,
  body: JSON.stringify(body),
}));

/** Inputs of each kind there is, to begin with. */
export const SEEDS: Readonly<Record<TargetName, readonly Input[]>> = {
  recovery: [LOG, SMALL, RUST],
  mending: [LOG, SMALL, RUST, STATE],
  states: [STATE, LOG, { files: {} }],
  ledgers: QUEUES,
  routes: [...REQUESTS, ...ACTIONS].map((request, index) => ({
    ...[STATE, QUEUES[0]!, LOG, QUEUES[1]!][index % 4]!,
    request,
  })),
};
