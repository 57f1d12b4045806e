// What this code does not know, or what does not belong to a queue, is refused and left as it is.
import { assert, assertEquals } from "@std/assert";
import {
  applyToLedger,
  emptyLedger,
  type Ledger,
  type LedgerEntry,
  MiniQueue,
} from "@mini/state/queue";
import { StateManager } from "@mini/state/state";
import { MiniError, MiniStore } from "@mini/state/store";
import { MemoryFileSystem } from "@mini/state/testing";
import { posted } from "../support/inbox.ts";
import { contentOf, errorOf } from "../support/journal.ts";
import { drain } from "../support/queue.ts";

const JOURNAL = "/data/journal.jsonl";
const SECRET = "the secret";

/** Mutations, logged by whatever code. */
async function logged(...mutations: unknown[]): Promise<MemoryFileSystem> {
  const fs = new MemoryFileSystem();
  await using store = await MiniStore.open<unknown>(JOURNAL, { fs });
  for (const apply of mutations) await store.append({ apply });
  return fs;
}

const FIRST = { at: 1, enqueue: [{ id: 1, payload: SECRET }] };

const message = (fields: object) => ({
  at: 2,
  enqueue: [{ id: 2, payload: SECRET, ...fields }],
});
const settlement = (fields: object) => ({
  at: 2,
  settle: [{ id: 1, receipt: 1, as: "acked", ...fields }],
});

const ERROR = { name: "Error", message: SECRET };

const NEWER: readonly [what: string, entry: unknown][] = [
  ["a kind", { at: 2, fromTheFuture: [SECRET] }],
  ["a version", { at: 2, v: 99, enqueue: [] }],
  ["a version of another shape", { v: 99, when: SECRET }],
  ["no kind", { at: 2 }],
  ["two kinds", { at: 2, receive: [1], tick: true }],
  ["a field", { at: 2, tick: true, secret: SECRET }],
  ["a field of a message", message({ secret: SECRET })],
  ["a field of a key", message({ dedupe: { key: "k", until: 9, by: 1 } })],
  ["a field of a settlement", settlement({ secret: SECRET })],
  ["a field of a version above its own", settlement({ error: ERROR })],
  ["a file of a message above its version", message({ from: posted(1) })],
  ["a kind above its version", { at: 2, gone: [posted(1)] }],
  ["limits above their version", { at: 2, policy: {} }],
  ["a cancellation above its version", { at: 2, cancel: [] }],
  ["an update above its version", { at: 2, update: [] }],
  ["progress above its version", { at: 2, progress: [] }],
  ["a schedule above its version", { at: 2, schedule: [] }],
  ["an occurrence above its version", { at: 2, fire: [] }],
  ["a date above its version", message({ when: 9 })],
  ["headers above their version", message({ headers: {} })],
  ["a result above its version", settlement({ result: SECRET })],
  ["a limit", { at: 2, v: 2, policy: { secret: SECRET } }],
  ["a limit of a limit", { at: 2, v: 2, policy: { dead: { bytes: 1 } } }],
  ["a field of a change", { at: 2, v: 2, update: [{ id: 1, secret: 1 }] }],
  [
    "a field of an error",
    { ...settlement({ error: { ...ERROR, secret: SECRET } }), v: 2 },
  ],
];

const MALFORMED: readonly [what: string, entry: unknown][] = [
  ["null", null],
  ["a number", 5],
  ["text", SECRET],
  ["an empty object", {}],
  ["a list", [SECRET]],
  ["no time", { enqueue: [{ id: 2, payload: SECRET }] }],
  ["a time in words", { at: SECRET, tick: true }],
  ["a version in words", { at: 2, v: SECRET, tick: true }],
  ["a drift in words", { at: 2, drift: SECRET, tick: true }],
  ["messages in words", { at: 2, enqueue: SECRET }],
  ["a message in words", { at: 2, enqueue: [SECRET] }],
  ["a message without a number", { at: 2, enqueue: [{ payload: SECRET }] }],
  ["a message without payload", { at: 2, enqueue: [{ id: 2 }] }],
  ["a number in words", message({ id: SECRET })],
  ["a number below 0", message({ id: -1 })],
  ["the number 0", message({ id: 0 })],
  ["a number after the last", message({ id: Number.MAX_SAFE_INTEGER })],
  ["a priority in words", message({ priority: SECRET })],
  ["a group that is none", message({ group: 5 })],
  ["a delay in words", message({ due: SECRET })],
  ["a key in words", message({ dedupe: SECRET })],
  ["a key without an end", message({ dedupe: { key: SECRET } })],
  ["deliveries in words", { at: 2, receive: SECRET }],
  ["a delivery in words", { at: 2, receive: [SECRET] }],
  ["an outcome of another name", settlement({ as: SECRET })],
  ["a refund in words", settlement({ refund: SECRET })],
  ["an error in words", { ...settlement({ error: SECRET }), v: 2 }],
  [
    "a cause in words",
    { ...settlement({ error: { ...ERROR, cause: SECRET } }), v: 2 },
  ],
  ["what has run out in words", { at: 2, expire: SECRET }],
  ["a purge in words", { at: 2, purge: SECRET }],
  ["a pause in words", { at: 2, paused: SECRET }],
  ["a tick in words", { at: 2, tick: SECRET }],
  ["a date in words", { ...message({ when: SECRET }), v: 2 }],
  ["headers in words", { ...message({ headers: SECRET }), v: 2 }],
  ["a header that is none", { ...message({ headers: { a: 1 } }), v: 2 }],
  ["a redrive in words", { at: 2, v: 2, redrive: [SECRET] }],
  ["a redrive above its version", { at: 2, redrive: [{ id: 1, due: 5 }] }],
  ["a redrive without a time", { at: 2, v: 2, redrive: [{ id: 1 }] }],
  ["limits in words", { at: 2, v: 2, policy: SECRET }],
  ["a limit in words", { at: 2, v: 2, policy: { dead: { count: SECRET } } }],
  ["a cancellation in words", { at: 2, v: 2, cancel: [SECRET] }],
  ["a change of nothing", { at: 2, v: 2, update: [{ payload: SECRET }] }],
  ["progress of nothing", { at: 2, v: 2, progress: [{ id: 1, receipt: 1 }] }],
];

for (
  const [code, cases] of [
    ["UNSUPPORTED_FORMAT", NEWER],
    ["CORRUPT", MALFORMED],
  ] as const
) {
  for (const [what, entry] of cases) {
    Deno.test(`MiniQueue.open() refuses ${what} in its log with ${code}, and changes nothing`, async () => {
      const fs = await logged(FIRST, entry, FIRST);
      const before = contentOf(fs);
      const error = await errorOf(MiniQueue.open("/data", { fs }));
      assertEquals([error.code, error.seq], [code, 2]);
      assert(!error.message.includes("secret"), error.message);
      assertEquals(contentOf(fs), before);
    });
  }
}

for (const [what, entry] of MALFORMED) {
  Deno.test(`MiniQueue.open() refuses ${what} as CORRUPT also where there is nothing else`, async () => {
    const fs = await logged(entry);
    const error = await errorOf(MiniQueue.open("/data", { fs }));
    assertEquals([error.code, error.seq], ["CORRUPT", 1]);
  });
}

Deno.test("MiniQueue.open() says where in the entry it is", async () => {
  const entry = { at: 2, enqueue: [{ id: 2, payload: "" }, { id: 3 }] };
  const fs = await logged(entry);
  const { message } = await errorOf(MiniQueue.open("/data", { fs }));
  assert(message.includes("record 1"), message);
  assert(message.includes("entry.enqueue[1].payload"), message);
});

type Change = { readonly jobs: LedgerEntry<string> };

/** A state with a ledger in it; `apply` may be of newer code. */
function open(
  fs: MemoryFileSystem,
  apply: (ledger: Ledger<string>, entry: LedgerEntry<string>) => void =
    applyToLedger,
) {
  return StateManager.open<{ jobs: Ledger<string> }, Change>("/data", {
    fs,
    initial: () => ({ jobs: emptyLedger<string>() }),
    apply: (state, { jobs }) => apply(state.jobs, jobs),
  });
}

/** Applies an entry of newer code, which this code does not know. */
function newer(ledger: Ledger<string>, entry: LedgerEntry<string>): void {
  if ("fromTheFuture" in entry) ledger.v = 99;
  else applyToLedger(ledger, entry);
}

const FUTURE = { at: 2, v: 99, fromTheFuture: [1] } as unknown as LedgerEntry<
  string
>;

Deno.test("StateManager.open() passes on that a ledger does not know an entry, and takes it for no aborted mutation", async () => {
  const fs = new MemoryFileSystem();
  {
    await using shop = await open(fs, newer);
    const jobs = await MiniQueue.attach(shop, "jobs");
    await jobs.enqueue("before");
    await shop.apply({ jobs: FUTURE });
  }
  const before = contentOf(fs);
  const error = await errorOf(open(fs));
  assertEquals([error.code, error.seq], ["UNSUPPORTED_FORMAT", 2]);
  assertEquals((error.cause as MiniError).code, "UNSUPPORTED_FORMAT");
  assertEquals(contentOf(fs), before);
  await using again = await open(fs, newer);
  assertEquals(again.recovery.aborted, []);
  assertEquals(again.state.jobs.v, 99);
});

Deno.test("StateManager.open() passes it on as it is where it says already which record it is about", async () => {
  const fs = await logged({ jobs: FIRST });
  const known = new MiniError("UNSUPPORTED_FORMAT", "not known", { seq: 7 });
  const error = await errorOf(open(fs, () => {
    throw known;
  }));
  assert(error === known);
});

Deno.test("StateManager.apply() of an entry that the ledger refuses is an abort like any other", async () => {
  const fs = new MemoryFileSystem();
  {
    await using shop = await open(fs);
    const error = await errorOf(shop.apply({ jobs: FUTURE }));
    assertEquals(error.code, "ABORTED_MUTATION");
    assertEquals((error.cause as MiniError).code, "UNSUPPORTED_FORMAT");
    const jobs = await MiniQueue.attach(shop, "jobs");
    await jobs.enqueue("continues");
  }
  await using again = await open(fs);
  assertEquals(again.recovery.aborted, [1]);
  assertEquals(await drain(await MiniQueue.attach(again, "jobs")), [
    "continues",
  ]);
});

Deno.test("StateManager.open() judges what is no entry at all as any mutation for which apply throws", async () => {
  const fs = new MemoryFileSystem();
  {
    await using shop = await open(fs);
    const malformed = { enqueue: SECRET } as unknown as LedgerEntry<string>;
    const error = await errorOf(shop.apply({ jobs: malformed }));
    assertEquals(error.code, "ABORTED_MUTATION");
    assert(error.cause instanceof TypeError);
    assert(!error.message.includes("secret"), error.message);
  }
  await using again = await open(fs);
  assertEquals(again.state.jobs.messages, {});
  const closed = await logged({ jobs: FIRST }, { jobs: 5 });
  assertEquals((await errorOf(open(closed))).code, "REPLAY_FAILED");
  // As a process leaves it that was killed before it could record the abort.
  const killed = new MemoryFileSystem();
  const store = await MiniStore.open<unknown>(JOURNAL, { fs: killed });
  for (const jobs of [FIRST, 5]) await store.append({ apply: { jobs } });
  killed.restart();
  await using after = await open(killed);
  assertEquals(Object.keys(after.state.jobs.messages), ["1"]);
});

Deno.test("MiniQueue.attach() and applyToLedger() refuse a ledger of a newer version", async () => {
  const fs = new MemoryFileSystem();
  {
    await using shop = await open(fs, newer);
    await shop.apply({ jobs: FUTURE });
    await shop.createSnapshot();
  }
  await using shop = await open(fs);
  const before = contentOf(fs);
  const error = await errorOf(MiniQueue.attach(shop, "jobs"));
  assertEquals(error.code, "UNSUPPORTED_FORMAT");
  assertEquals(contentOf(fs), before);
  const enters = shop.apply({ jobs: { at: 3, tick: true } });
  const { cause } = await errorOf(enters);
  assertEquals((cause as MiniError).code, "UNSUPPORTED_FORMAT");
});

Deno.test("MiniQueue.attach() takes a ledger that says nothing of its version for one of 1", async () => {
  const fs = new MemoryFileSystem();
  await using shop = await open(fs, (ledger, entry) => {
    delete ledger.v;
    applyToLedger(ledger, entry);
  });
  const jobs = await MiniQueue.attach(shop, "jobs");
  await jobs.enqueue("a");
  assertEquals(shop.state.jobs.v, 1);
});
