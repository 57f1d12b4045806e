// Options from JavaScript, where no type says what they must be: every brick looks at all of them before it touches anything.
import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { MiniStore } from "@mini/state/store";
import { SnapStore } from "@mini/state/snap";
import { StateManager, StateView } from "@mini/state/state";
import { emptyLedger, MiniQueue } from "@mini/state/queue";
import { MemoryFileSystem } from "@mini/state/testing";

type Given = Record<string, unknown>;

/** How each brick is opened; what is given in JavaScript is not what the types say. */
const CALLS: Record<
  string,
  { base: Given; open: (options: unknown) => Promise<unknown> }
> = {
  "MiniStore.open()": {
    base: {},
    open: (options) => MiniStore.open("/data/a.jsonl", options as never),
  },
  "MiniStore.replay()": {
    base: { ifMissing: "empty" },
    // deno-lint-ignore require-await -- what is thrown must reject
    open: async (options) =>
      Array.fromAsync(MiniStore.replay("/data/a.jsonl", options as never)),
  },
  SnapStore: {
    base: {},
    // deno-lint-ignore require-await -- what is thrown must reject
    open: async (options) => new SnapStore("/data", options as never),
  },
  "StateManager.open()": {
    base: { initial: () => 0, apply: () => {} },
    open: (options) => StateManager.open("/data", options as never),
  },
  "MiniQueue.open()": {
    base: {},
    open: (options) => MiniQueue.open("/data", options as never),
  },
};

const NO_FUNCTIONS = [5, "f", {}, null];
const NO_COUNTS = [0, -1, 1.5, NaN, Infinity, "5", null, {}, 2n];
const NO_OBJECTS = [5, "x", {}, null, []];
const READER = {
  schema: [...NO_OBJECTS, () => true, { "~standard": {} }],
  maxRecordBytes: NO_COUNTS,
  fs: NO_OBJECTS,
};
const NO_MODES = [-1, 0o10000, 1.5, "0600", null];
const WRITER = {
  maxSegmentBytes: NO_COUNTS,
  mode: NO_MODES,
  directoryMode: NO_MODES,
};
const FILES = { fs: READER.fs, ...WRITER, keepSnapshots: NO_COUNTS };
/** Values that an option may not have. */
const WRONG: Record<string, Record<string, readonly unknown[]>> = {
  "MiniStore.open()": {
    ...READER,
    ...WRITER,
    durable: ["often", 1, null],
    verifyFrom: NO_COUNTS,
  },
  "MiniStore.replay()": {
    ...READER,
    from: NO_COUNTS,
    to: [-1, "5", null],
    signal: NO_OBJECTS,
    ifMissing: ["create", null],
  },
  SnapStore: {
    keep: NO_COUNTS,
    codec: [...NO_OBJECTS, { encode() {} }, { decode() {} }],
    schema: READER.schema,
    mode: NO_MODES,
    directoryMode: NO_MODES,
    like: ["", 5, null],
    fs: READER.fs,
  },
  "StateManager.open()": {
    ...FILES,
    initial: [undefined, ...NO_FUNCTIONS],
    apply: [undefined, ...NO_FUNCTIONS],
    immutable: ["deeply", 1, null],
    onReplayThrow: ["ignore", true, null],
    journal: ["", 5, null, {}],
    schema: READER.schema,
    codec: [...NO_OBJECTS, { encode() {} }],
    version: [-1, 1.5, "1", null],
    upcast: NO_FUNCTIONS,
    migrate: NO_FUNCTIONS,
    snapshotEvery: [...NO_COUNTS, "often"],
    retain: ["some", 3, null, {}],
    timestamps: ["always", 1, null],
    onSnapshotFailure: NO_FUNCTIONS,
    log: NO_OBJECTS,
    snapshots: NO_OBJECTS,
  },
  "MiniQueue.open()": {
    ...FILES,
    schema: READER.schema,
    visibilityTimeoutMs: [-1, NaN, "5", null],
    maxAttempts: NO_COUNTS,
    dedupeWindowMs: [-1, NaN, Infinity, "5", null],
    backoff: NO_FUNCTIONS,
    onError: NO_FUNCTIONS,
    clock: [...NO_OBJECTS, { wall() {}, monotonic() {} }],
  },
};

for (const [call, { base, open }] of Object.entries(CALLS)) {
  for (const [name, values] of Object.entries(WRONG[call]!)) {
    Deno.test(`${call} refuses what ${name} cannot be, and touches nothing`, async () => {
      for (const value of values) {
        const fs = new MemoryFileSystem();
        const calls: string[] = [];
        fs.hooks.before = (call) => void calls.push(call.operation);
        const error = await assertRejects(
          () => open({ ...base, fs, [name]: value }),
        );
        assert(
          error instanceof TypeError || error instanceof RangeError,
          String(error),
        );
        assert(error.message.startsWith(`${name} must be `), error.message);
        assertEquals(calls, []);
      }
    });
  }

  Deno.test(`${call} refuses an option that it does not have, and says which it has`, async () => {
    const fs = new MemoryFileSystem();
    const error = await assertRejects(
      () => open({ ...base, fs, maxSegmentbytes: 5 }),
      TypeError,
      `${call} has no option "maxSegmentbytes"; its options are `,
    );
    for (const name of Object.keys(WRONG[call]!)) {
      assert(error.message.includes(name), `${name}: ${error.message}`);
    }
    assertEquals(fs.names("/"), []);
  });

  Deno.test(`${call} refuses options that are no object`, async () => {
    for (const options of [null, 5, "options", () => {}]) {
      await assertRejects(
        () => open(options),
        TypeError,
        `The options of ${call} must be an object`,
      );
    }
  });

  Deno.test(`${call} takes an option that is undefined for one that is left out`, async () => {
    const fs = new MemoryFileSystem();
    const none = Object.fromEntries(
      Object.keys(WRONG[call]!).map((name) => [name, undefined]),
    );
    const opened = await open({ ...none, misspelt: undefined, ...base, fs });
    if (Array.isArray(opened)) return;
    await (opened as Partial<AsyncDisposable>)[Symbol.asyncDispose]?.();
  });
}

Deno.test("StateManager.open(), MiniQueue.open() refuse what is no directory, and to do without options", async () => {
  await assertRejects(
    () => StateManager.open("", { initial: () => 0, apply: () => {} }),
    TypeError,
    "the path is empty",
  );
  await assertRejects(() => MiniQueue.open(""), TypeError, "the path is empty");
  await assertRejects(
    () => StateManager.open("/data", undefined as never),
    TypeError,
    "must be an object, not undefined",
  );
});

Deno.test("MiniQueue.attach() refuses options and hosts that are none", async () => {
  await using manager = await StateManager.open("/data", {
    fs: new MemoryFileSystem(),
    initial: () => ({ queue: emptyLedger<string>() }),
    apply: () => {},
  });
  const attach = (host: unknown, options?: unknown) =>
    MiniQueue.attach(host as typeof manager, "queue", options as never);
  for (const host of [undefined, null, {}, "state"]) {
    await assertRejects(() => attach(host), TypeError, "manager must be ");
  }
  await assertRejects(
    () => attach(manager, { fs: new MemoryFileSystem() }),
    TypeError,
    'MiniQueue.attach() has no option "fs"',
  );
  await assertRejects(
    () => attach(manager, { backoff: 5 }),
    TypeError,
    "backoff must be a function, not number",
  );
  // None of these has taken the place of a queue.
  await (await attach(manager)).close();
});

Deno.test("SnapStore refuses at once what it cannot be opened with", () => {
  assertThrows(
    () => new SnapStore("/data", { keeep: 5 } as never),
    TypeError,
    'SnapStore has no option "keeep"; its options are keep, codec, schema, mode',
  );
});

Deno.test("a log and a state refuse a range with a name that they do not know, or that is none", async () => {
  const fs = new MemoryFileSystem();
  const how = {
    initial: (): number[] => [],
    apply: (all: number[], one: number) => void all.push(one),
  };
  await using manager = await StateManager.open("/data", { fs, ...how });
  await using view = await StateView.open("/data", { fs, ...how });
  await using store = await MiniStore.open("/log.jsonl", { fs });
  await using reader = await MiniStore.openReader("/log.jsonl", { fs });
  const ranges: Record<string, (range: never) => unknown> = {
    "replay()": (range) => store.replay(range),
    "follow()": (range) => store.follow(range),
    "watch()": (range) => manager.watch(range),
    "history()": (range) => manager.history(range),
    "select()": (range) => manager.select((all) => all.length, range),
  };
  const others: typeof ranges = {
    "replay()": (range) => store.replayChunks(range),
    "follow()": (range) => reader.follow(range),
    "watch()": (range) => view.watch(range),
    "select()": (range) => view.select((all) => all.length, range),
  };
  const more: typeof ranges = {
    "replay()": (range) => reader.replay(range),
  };
  for (const calls of [ranges, others, more]) {
    for (const [name, call] of Object.entries(calls)) {
      assertThrows(
        () => call({ form: 2 } as never),
        TypeError,
        `${name} has no option "form"; its options are `,
      );
      assertThrows(
        () => call(null as never),
        TypeError,
        `The options of ${name} must be an object, not null`,
      );
      assertThrows(
        () => call({ signal: 5 } as never),
        TypeError,
        "signal must",
      );
    }
  }
  // What follows a log takes what only its readers do.
  const caughtUp = { onCaughtUp: () => {}, durableOnly: true };
  for (const log of [store, reader]) log.follow(caughtUp);
});
