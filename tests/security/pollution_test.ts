/** Names that mean something to every object, in every kind of file: they are keys like any other, or refused. */
import { assert, assertEquals } from "@std/assert";
import { verify } from "@mini/state/admin";
import { MiniQueue, QueueView } from "@mini/state/queue";
import { SnapStore } from "@mini/state/snap";
import { StateManager } from "@mini/state/state";
import { MiniError, MiniStore } from "@mini/state/store";
import type { MemoryFileSystem } from "@mini/state/testing";
import {
  folder,
  ID,
  log,
  PATH,
  position,
  SNAPSHOT,
  snapshot,
} from "../support/forged.ts";
import { content, INBOX, posted } from "../support/inbox.ts";
import { JournalBytes } from "../support/journal.ts";

/** Keys by which a program that copies or merges objects carelessly changes all of them. */
const POISON: object = JSON.parse(
  '{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}},' +
    '"prototype":{"polluted":1},"toString":1,"hasOwnProperty":1,"then":1}',
);
const NAMES = ["__proto__", "constructor", "hasOwnProperty"];

const poisoned = (fields: object) => ({ ...POISON, ...fields });

const plain = new JournalBytes({ journal: ID }).records(1, 2);
const entries = (...all: object[]) =>
  log(all.map((apply, at) => ({ seq: at + 1, data: { apply } })));
const indented = (value: object) =>
  JSON.stringify(value, null, 2).replaceAll("\n", "\n  ");
const HEAD = '"mini": 1,\n  "seq": 2';
const LEDGER = { at: 1, drift: 0, nextId: 9, nextOrder: 9, paused: false };
const MESSAGE = {
  order: 1,
  at: 1,
  payload: POISON,
  priority: 0,
  due: 0,
  attempts: 0,
  receipt: 0,
  inFlight: false,
};
const ledger = (...parts: object[]) => ({
  [PATH]: log([], { base: 2 }),
  [SNAPSHOT]: snapshot(
    `${HEAD},\n  "parts": [\n${
      [LEDGER, ...parts].map((part) => JSON.stringify(part)).join(",\n")
    }\n  ]`,
  ),
});

/** Folders, by where the names are in them. */
const FOLDERS: Readonly<Record<string, Record<string, string>>> = {
  "a header": { [PATH]: log([{ seq: 1, data: 1 }], POISON) },
  "a line": { [PATH]: log([poisoned({ seq: 1, data: POISON })]) },
  "a batch": { [PATH]: log([poisoned({ seq: 1, batch: [POISON, POISON] })]) },
  "a mark": { [PATH]: log([{ seq: 1, data: 1 }, poisoned({ close: 1 })]) },
  "a mutation": {
    [PATH]: log([
      { seq: 1, data: poisoned({ apply: POISON }) },
      { seq: 2, data: poisoned({ applyBatch: [POISON], version: 0 }) },
      { seq: 3, data: poisoned({ abort: 1 }) },
    ]),
  },
  "a snapshot": {
    [SNAPSHOT]: snapshot(`${HEAD},\n  "state": ${indented(POISON)}`),
  },
  "the fields of a snapshot": {
    [SNAPSHOT]: snapshot(
      `${HEAD},\n  "__proto__": {\n    "polluted": 1\n  },\n  "state": ${
        indented(POISON)
      }`,
    ),
  },
  "a position": {
    [PATH]: plain.text,
    [`${PATH}.consumer.a`]: position(poisoned({
      mini: 1,
      journal: ID,
      base: 0,
      seq: 2,
      chain: plain.chain,
    })),
  },
  "the note of a lock": {
    [PATH]: plain.text,
    [`${PATH}.lock`]: JSON.stringify({ pid: 1, ...poisoned({ since: "" }) }),
  },
  "an entry": { [PATH]: entries(poisoned({ at: 1, tick: true })) },
  "a message": {
    [PATH]: entries({ at: 1, enqueue: [poisoned({ id: 1, payload: 1 })] }),
  },
  "a payload": {
    [PATH]: entries({ at: 1, enqueue: [{ id: 1, payload: POISON }] }),
  },
  "headers": {
    [PATH]: entries({
      at: 1,
      v: 2,
      enqueue: [{
        id: 1,
        payload: 1,
        headers: JSON.parse('{"__proto__":"a","constructor":"b"}'),
      }],
    }),
  },
  "limits": { [PATH]: entries({ at: 1, v: 2, policy: POISON }) },
  "a part": ledger(poisoned({ message: { id: 1, ...MESSAGE } })),
  "the message of a part": ledger({ message: poisoned({ id: 1, ...MESSAGE }) }),
  "a file of an inbox": {
    [PATH]: log([]),
    [`${INBOX}/${posted(1)}`]: content([poisoned({ payload: 1 })]),
    [`${INBOX}/${posted(2)}`]: content([{ payload: POISON }]),
  },
  ...Object.fromEntries(NAMES.flatMap((name) => [
    [`a group, a key and a schedule of the name ${name}`, {
      [PATH]: entries(
        {
          at: 1,
          enqueue: [{
            id: 1,
            payload: 1,
            group: name,
            dedupe: { key: name, until: 1e15 },
          }],
        },
        { at: 1, v: 2, schedule: [{ name, clock: "wall", since: 1 }] },
        {
          at: 1,
          v: 2,
          fire: [{ name, for: 2, message: { id: 2, payload: 1 } }],
        },
      ),
    }],
    [
      `a message of the number ${name}`,
      ledger({
        message: { id: name, ...MESSAGE },
      }),
    ],
  ])),
};

/** Everything that reads a folder, and writes what it has read. */
async function readAll(fs: MemoryFileSystem): Promise<string[]> {
  const found: string[] = [];
  const options = { fs, onError: () => {} };
  const acts: (() => Promise<unknown>)[] = [
    () => verify(PATH, { fs }),
    () => Array.fromAsync(MiniStore.replay(PATH, { fs }), ({ data }) => data),
    async () => (await new SnapStore("/data", { fs }).restore())?.state,
    async () => {
      await using consumer = await MiniStore.consumer(PATH, "a", { fs });
      await consumer.reset(0);
      return consumer.position;
    },
    async () => {
      await using view = await QueueView.open("/data", { fs });
      return await view.peek();
    },
    async () => {
      const inbox = { ...options, inbox: true };
      await using queue = await MiniQueue.open("/data", inbox);
      await queue.enqueue(POISON, {
        group: "__proto__",
        dedupeKey: "toString",
      });
      const message = await queue.receive();
      await message?.ack();
      await queue.compact();
      return message?.payload;
    },
    async () => {
      await using state = await StateManager.open<unknown[], unknown>("/data", {
        fs,
        initial: () => [],
        apply: (items, item) => Array.isArray(items) ? [...items, item] : [],
      });
      await state.apply(POISON);
      await state.compact();
      return state.state;
    },
  ];
  for (const act of acts) {
    try {
      found.push(JSON.stringify(await act()) ?? "");
    } catch (error) {
      // A folder belongs to a state or to a queue.
      const isOther = error instanceof TypeError &&
        /holds a/.test(error.message);
      if (!(error instanceof MiniError) && !isOther) throw error;
      found.push(error instanceof MiniError ? error.code : "MISUSE");
    }
  }
  return found;
}

for (const [where, files] of Object.entries(FOLDERS)) {
  Deno.test(`__proto__ and constructor in ${where} are names like any other, or refused`, async () => {
    const found = await readAll(folder(files));
    for (const shared of [Object, Array, String, Number, Function, Promise]) {
      assert(!("polluted" in shared.prototype), shared.name);
    }
    assertEquals(Object.prototype.toString.call([]), "[object Array]");
    // At least one of those to whom the folder belongs has read it.
    assert(found.some((each) => !/^[A-Z_]+$/.test(each)), found.join());
  });
}

Deno.test("what has __proto__ and constructor in it is given back as it was, from a log, a state and a queue", async () => {
  const fs = folder({});
  const want = JSON.stringify(POISON);
  {
    await using store = await MiniStore.open<object>("/log/j", { fs });
    await store.append(POISON);
    await store.appendBatch([POISON, POISON]);
    for await (const { data } of store.replay()) {
      assertEquals(JSON.stringify(data), want);
    }
  }
  const open = () =>
    StateManager.open<object[], object>("/state", {
      fs,
      initial: () => [],
      apply: (items, item) => void items.push(item),
    });
  for (let times = 1; times <= 3; times++) {
    await using state = await open();
    await state.apply(POISON);
    await state.compact();
    assertEquals(
      JSON.stringify(state.state),
      `[${Array(times).fill(want).join()}]`,
    );
  }
  for (let times = 0; times < 2; times++) {
    await using queue = await MiniQueue.open<object>("/queue", { fs });
    if (times === 0) await queue.enqueue(POISON);
    await queue.compact();
    const [message] = await queue.peek();
    assertEquals(JSON.stringify(message?.payload), want);
  }
});
