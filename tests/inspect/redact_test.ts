import { assert, assertEquals } from "@std/assert";
import {
  ACTIONS,
  createInspector,
  type InspectTarget,
  type RedactWhere,
} from "@mini/state/inspect";
import { MiniQueue } from "@mini/state/queue";
import { StateManager } from "@mini/state/state";
import { MiniStore } from "@mini/state/store";
import { TestDirectory } from "../support/dir.ts";
import { act, ask, get, newsOf } from "../support/inspected.ts";

const SECRET = "4111-1111";

/** Masks the secret wherever it stands. */
function mask(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value).replaceAll(SECRET, "****"));
}

/** Everything that can be asked about up to `last` records. */
function pathsTo(last: number): string[] {
  const all = Array.from({ length: last + 1 }, (_, at) => at);
  return [
    "overview",
    `records?from=1&count=${last}`,
    ...all.slice(1).map((seq) => `record?seq=${seq}`),
    ...all.map((at) => `state?at=${at}`),
    ...all.map((at) => `queue?at=${at}`),
    "queue",
    `search?text=${SECRET}`,
    "search?text=****",
    "search?text=card",
  ];
}

/** Asks for everything, and throws where the secret is in an answer. */
async function assertMasked(
  target: InspectTarget,
  last: number,
  seen: RedactWhere[] = [],
): Promise<void> {
  const inspector = createInspector(target, {
    authorize: () => true,
    actions: ACTIONS,
    redact: (value, where) => {
      seen.push(where);
      return mask(value);
    },
  });
  for (const path of pathsTo(last)) {
    const response = await ask(inspector, `api/${path}`);
    const text = await response.text();
    assertEquals(response.status, 200, `${path}: ${text}`);
    assert(!text.includes(SECRET), `${path}: ${text}`);
  }
  await inspector.close();
}

/** The lines of a search. */
async function found(
  inspector: Parameters<typeof ask>[0],
  text: string,
  // deno-lint-ignore no-explicit-any -- lines of any kind
): Promise<any[]> {
  const response = await ask(inspector, `api/search?text=${text}`);
  const lines = (await response.text()).trim().split("\n");
  return lines.map((line) => JSON.parse(line));
}

Deno.test("what redact leaves out of records is in no answer, and no search finds it", async () => {
  await using directory = new TestDirectory();
  await using store = await MiniStore.open<unknown>(directory.at());
  await store.append({ card: SECRET });
  await store.append({ [SECRET]: "as a key" });
  await store.append(SECRET);
  const seen: RedactWhere[] = [];
  await assertMasked(store, 3, seen);
  assert(seen.some(({ kind, seq }) => kind === "record" && seq === 2));

  const inspector = createInspector(store, {
    authorize: () => true,
    redact: mask,
  });
  assertEquals((await found(inspector, SECRET)).length, 1);
  // It finds what is shown, in place of what is there.
  const masked = await found(inspector, "****");
  assertEquals(masked.map(({ seq }) => seq), [1, 2, 3, undefined]);
  const { data } = await get(inspector, "record?seq=2");
  assertEquals(data, { "****": "as a key" });
  const page = newsOf(await ask(inspector, "api/live"));
  await page.next();
  await store.append({ card: SECRET });
  const { value } = await page.next();
  assertEquals(value.recent, [{ seq: 4, text: '{"card":"****"}' }]);
  await page.return();
  await inspector.close();
});

Deno.test("what redact leaves out of states is in no state, difference, mutation and error", async () => {
  await using directory = new TestDirectory();
  const definition = {
    initial: () => ({ cards: [] as string[] }),
    apply(state: { cards: string[] }, card: string) {
      state.cards.push(card);
      if (state.cards.length > 2) throw new Error(`no room for ${card}`);
    },
  };
  await using state = await StateManager.open(directory.path, definition);
  await state.apply(SECRET);
  await state.createSnapshot();
  await state.apply(`${SECRET} too`);
  await state.apply(SECRET).catch(() => {});
  const seen: RedactWhere[] = [];
  await assertMasked(state, state.sequence, seen);
  // Without a definition there are snapshots and mutations.
  await assertMasked(directory.path, state.sequence, seen);
  const kinds = new Set(seen.map(({ kind }) => kind));
  assertEquals([...kinds].sort(), ["mutation", "record", "state"]);

  const other = createInspector(directory.path, {
    authorize: () => true,
    redact: mask,
    definition: {
      initial: () => ({}),
      apply: (_: unknown, card: string) => {
        throw new Error(`cannot read ${card}`);
      },
    },
  });
  const { error } = await get(other, "state?at=3");
  assert(error.message.includes("****"), error.message);
  assert(!error.message.includes(SECRET), error.message);
  await other.close();
});

Deno.test("what redact leaves out of messages is in no payload, group, header, progress, reason and result", async () => {
  await using directory = new TestDirectory();
  await using queue = await MiniQueue.open<string>(directory.path, {
    keepFinished: { count: 10 },
    schedules: { [SECRET]: { everyMs: 1_000_000, payload: SECRET } },
  });
  const enqueue = (payload: string) =>
    queue.enqueue(payload, {
      group: payload,
      dedupeKey: `${SECRET} ${payload}`,
      headers: { [SECRET]: SECRET },
    });
  await enqueue(`${SECRET} a`);
  await (await queue.receive())!.ack({ result: SECRET });
  await enqueue(`${SECRET} b`);
  await (await queue.receive())!.deadLetter(SECRET);
  await enqueue(`${SECRET} c`);
  await (await queue.receive())!.nack({ reason: SECRET });
  const { id } = await enqueue(`${SECRET} d`);
  await queue.cancel(id, SECRET);
  await enqueue(`${SECRET} e`);
  await queue.enqueue(SECRET, { delayMs: 1_000_000 });
  await queue.receive();
  const seen: RedactWhere[] = [];
  await assertMasked(queue, queue.sequence, seen);
  await assertMasked(directory.path, queue.sequence, seen);
  const kinds = new Set(seen.map(({ kind }) => kind));
  // The health tells of the dead letter.
  const all = ["error", "message", "record", "schedule", "state"];
  assertEquals([...kinds].sort(), all);

  const inspector = createInspector(queue, {
    authorize: () => true,
    actions: ACTIONS,
    redact: (value, { kind }) => kind === "message" ? undefined : mask(value),
  });
  const { messages } = await get(inspector, "queue");
  // Nothing is left but what the queue knows of it.
  const [dead] = messages.dead;
  assertEquals([dead.id, dead.text, dead.reason], [2, "nothing", undefined]);
  const { answer } = await act(inspector, "cancel", { id: 3, reason: SECRET });
  assert(!JSON.stringify(answer).includes(SECRET));
  await inspector.close();
});

Deno.test("what redact leaves out of the name of a consumer is in no overview, also where its file is damaged", async () => {
  await using directory = new TestDirectory();
  await using store = await MiniStore.open<unknown>(directory.at());
  await store.append("a");
  {
    await using consumer = await store.consumer(SECRET);
    await consumer.reset(0);
  }
  const seen: RedactWhere[] = [];
  await assertMasked(store, 1, seen);
  assert(seen.some(({ kind }) => kind === "consumer"));
  const name = directory.names().find((file) => file.includes(SECRET))!;
  await Deno.writeTextFile(directory.at(name), "damaged");
  await assertMasked(store, 1);
});

Deno.test("a message of an error is shown as redact leaves it", async () => {
  await using directory = new TestDirectory();
  const path = directory.at(`${SECRET}.jsonl`);
  const inspector = createInspector(path, {
    authorize: () => true,
    redact: mask,
  });
  const { error } = await get(inspector, "overview");
  assert(error.message.includes("****"), error.message);
  assert(!JSON.stringify(error).includes(SECRET));
  await inspector.close();
});

Deno.test("where redact throws, or gives no value, nothing is shown and the answer is 500 without a reason", async () => {
  await using directory = new TestDirectory();
  await using queue = await MiniQueue.open<string>(directory.path);
  await queue.enqueue(SECRET);
  const failing: ((value: unknown) => unknown)[] = [
    (value) => {
      throw new Error(`cannot redact ${JSON.stringify(value)}`);
    },
    () => Promise.resolve("later"),
    () => 1n,
  ];
  const asked = [
    "records?from=1&count=9",
    "record?seq=1",
    "state?at=1",
    "queue",
    "queue?at=1",
  ];
  for (const redact of failing) {
    const inspector = createInspector(queue, {
      authorize: () => true,
      redact,
    });
    for (const path of asked) {
      const response = await ask(inspector, `api/${path}`);
      const text = await response.text();
      assertEquals(response.status, 500, path);
      assert(!text.includes(SECRET) && !text.includes("redact"), text);
    }
    const searched = await ask(inspector, "api/search?text=a");
    assertEquals(searched.status, 500);
    assert(!(await searched.text()).includes(SECRET));
    // What needs no redaction is there.
    assertEquals((await ask(inspector, "api/overview")).status, 200);
    await inspector.close();
  }
});
