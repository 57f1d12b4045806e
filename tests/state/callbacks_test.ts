// What the caller's code may do wrong: it throws, answers later, or with nothing or nonsense. Each time there is an error that says so, nothing is lost, and all continues.
import { assert, assertEquals, assertRejects } from "@std/assert";
import type { MiniError } from "@mini/state/store";
import { SnapStore } from "@mini/state/snap";
import { StateManager, type StateOptions } from "@mini/state/state";
import { MemoryFileSystem } from "@mini/state/testing";

type Options = Partial<StateOptions<{ sum: number }, number>>;

const SUM: StateOptions<{ sum: number }, number> = {
  initial: () => ({ sum: 0 }),
  apply: (state, by) => {
    state.sum += by;
  },
};

function open(fs: MemoryFileSystem, options: Options = {}) {
  return StateManager.open("/data", { ...SUM, ...options, fs });
}

/** A callback that answers wrongly; typed as what it pretends to be. */
// deno-lint-ignore no-explicit-any -- wrong on purpose
const wrong = (answer: unknown): any => () => answer;
const rejecting = () => Promise.reject(new Error("nobody waits for it"));
// deno-lint-ignore no-explicit-any -- wrong on purpose
const late = (): any => rejecting;
const thrower = () => {
  throw new Error("the caller's own");
};

/** A fault on opening, after records of version 0 and, where told so, a snapshot of them. */
const ON_OPENING: [
  what: string,
  options: Options,
  words: string,
  hasSnapshot?: boolean,
][] = [
  ["initial that throws", { initial: thrower }, "the caller's own"],
  [
    "initial that is late",
    { initial: late() },
    "initial must not return a promise",
  ],
  [
    "initial that gives nothing",
    { initial: wrong(undefined) },
    "initial must not return undefined",
  ],
  [
    "initial that gives nothing, immutable",
    { initial: wrong(undefined), immutable: true },
    "initial must not return undefined",
  ],
  ["upcast that throws", { version: 1, upcast: thrower }, "the caller's own"],
  [
    "upcast that is late",
    { version: 1, upcast: late() },
    "upcast must not return a promise",
  ],
  [
    "upcast that gives nothing",
    { version: 1, upcast: wrong(undefined) },
    "upcast must not return undefined",
  ],
  ["apply that is late", { apply: late() }, "apply must not return a promise"],
  [
    "schema that throws",
    { schema: { "~standard": { validate: thrower } } },
    "the caller's own",
  ],
  [
    "schema that is late",
    { schema: { "~standard": { validate: late() } } },
    "the schema must not return a promise",
  ],
  [
    "schema that says nothing",
    { schema: { "~standard": { validate: wrong(undefined) } } },
    "must return { value } or { issues }",
  ],
  [
    "migrate that throws",
    { version: 1, upcast: (by) => by as number, migrate: thrower },
    "the caller's own",
    true,
  ],
  [
    "migrate that is late",
    { version: 1, upcast: (by) => by as number, migrate: late() },
    "migrate must not return a promise",
    true,
  ],
  [
    "decode that throws",
    { codec: { encode: (state) => state, decode: thrower } },
    "the caller's own",
    true,
  ],
  [
    "decode that rejects",
    { codec: { encode: (state) => state, decode: rejecting } },
    "nobody waits for it",
    true,
  ],
  [
    "decode that gives nothing",
    { codec: { encode: (state) => state, decode: wrong(undefined) } },
    "codec.decode must not return undefined",
    true,
  ],
];

for (const [what, options, words, hasSnapshot] of ON_OPENING) {
  Deno.test(`StateManager.open() with ${what} is refused, and nothing is lost`, async () => {
    const fs = new MemoryFileSystem();
    {
      await using manager = await open(fs);
      await manager.apply(1);
      await manager.apply(2);
      if (hasSnapshot) await manager.createSnapshot();
    }
    const error = await assertRejects(() => open(fs, options));
    assert(error instanceof Error && error.message.includes(words), `${error}`);
    await using again = await open(fs);
    assertEquals([again.state.sum, again.recovery.aborted], [3, []]);
    assertEquals(await again.apply(4), 3);
  });
}

const ON_SNAPSHOT: [what: string, options: Options, words: string][] = [
  [
    "encode that throws",
    { codec: { encode: thrower, decode: (json) => json as { sum: number } } },
    "the caller's own",
  ],
  [
    "encode that is late",
    { codec: { encode: late(), decode: (json) => json as { sum: number } } },
    "codec.encode must not return a promise",
  ],
  [
    "encode that gives nothing",
    { codec: { encode: () => {}, decode: (json) => json as { sum: number } } },
    "codec.encode must not return undefined",
  ],
  [
    "parts that throw",
    {
      codec: {
        *encode() {
          yield 1;
          thrower();
        },
        decode: (json) => json as { sum: number },
      },
    },
    "the caller's own",
  ],
  ["snapshotEvery that throws", { snapshotEvery: thrower }, "the caller's own"],
  [
    "snapshotEvery that is late",
    { snapshotEvery: late() },
    "snapshotEvery must not return a promise",
  ],
  [
    "snapshotEvery that gives nothing",
    { snapshotEvery: wrong(undefined) },
    "snapshotEvery must not return undefined",
  ],
  [
    "snapshotEvery that gives a symbol",
    { snapshotEvery: wrong(Symbol("often")) },
    "must be at least 1, not Symbol(often)",
  ],
  [
    "a state that JSON does not keep",
    { apply: () => ({ sum: -0 }) },
    "JSON would not keep $.sum: -0",
  ],
];

for (const [what, options, words] of ON_SNAPSHOT) {
  Deno.test(`StateManager with ${what} tells onSnapshotFailure, continues, and says so on opening`, async () => {
    const fs = new MemoryFileSystem();
    const told: unknown[] = [];
    const all: Options = {
      snapshotEvery: 2,
      ...options,
      onSnapshotFailure: (error) => told.push(error),
    };
    {
      await using manager = await open(fs, all);
      for (let by = 1; by <= 3; by++) assertEquals(await manager.apply(by), by);
      assert(told.length > 0);
      assertEquals(told.at(-1), manager.snapshotFailure);
      for (const error of told) {
        assert((error as Error).message.includes(words), `${error}`);
      }
      assertEquals(
        (await manager.history()[Symbol.asyncIterator]().next()).done,
        false,
      );
    }
    told.length = 0;
    await using again = await open(fs, all);
    const { snapshotFailure } = again.recovery;
    assert((snapshotFailure as Error).message.includes(words));
    assertEquals([told, again.snapshotFailure], [
      [snapshotFailure],
      snapshotFailure,
    ]);
    assertEquals([again.sequence, again.recovery.replayed], [3, 3]);
  });
}

for (
  const [what, onSnapshotFailure] of [
    ["throws", thrower],
    ["rejects", late()],
  ] as const
) {
  Deno.test(`StateManager: an onSnapshotFailure that ${what} makes no apply fail`, async () => {
    await using manager = await open(new MemoryFileSystem(), {
      snapshotEvery: 1,
      apply: () => ({ sum: NaN }),
      onSnapshotFailure,
    });
    assertEquals([await manager.apply(1), await manager.apply(2)], [1, 2]);
    assertEquals((manager.snapshotFailure as MiniError).code, "UNSERIALIZABLE");
  });
}

Deno.test("StateManager.open() looks for no snapshot failure where no snapshot is overdue", async () => {
  const fs = new MemoryFileSystem();
  const apply = () => ({ sum: NaN });
  for (const snapshotEvery of [10, () => Infinity]) {
    await using manager = await open(fs, { apply, snapshotEvery });
    await manager.apply(1);
    assertEquals(manager.recovery.snapshotFailure, undefined);
  }
  // One that is overdue and can be made is made by the next apply.
  await using manager = await open(fs, { snapshotEvery: 1 });
  assertEquals(manager.recovery.snapshotFailure, undefined);
});

const DECISIONS: [what: string, decide: () => unknown, words: string][] = [
  ["throws", thrower, "the caller's own"],
  ["is late", rejecting, "decide must not return a promise"],
  ["gives NaN", () => NaN, "JSON would not keep $: NaN"],
  ["gives a function", () => thrower, "JSON would not keep $: function"],
];

for (const [what, decide, words] of DECISIONS) {
  Deno.test(`StateManager.transact() with a decide that ${what} logs nothing, and continues`, async () => {
    await using manager = await open(new MemoryFileSystem());
    const error = await assertRejects(() => manager.transact(decide as never));
    assert((error as Error).message.includes(words), `${error}`);
    assertEquals([manager.sequence, await manager.apply(1)], [0, 1]);
  });
}

Deno.test("SnapStore with a codec that answers wrongly leaves the snapshots there are", async () => {
  const fs = new MemoryFileSystem();
  const good = new SnapStore<number>("/data", { fs });
  await good.create(1, 1);
  const answers: [answer: () => unknown, words: string][] = [
    [rejecting, "codec.encode must not return a promise"],
    [() => undefined, "codec.encode must not return undefined"],
    [() => NaN, "JSON would not keep $: NaN"],
    [thrower, "the caller's own"],
  ];
  for (const [encode, words] of answers) {
    const decode = () => 0;
    const snaps = new SnapStore<number>("/data", {
      fs,
      codec: { encode, decode },
    });
    const error = await assertRejects(() => snaps.create(2, 2));
    assert((error as Error).message.includes(words), `${error}`);
  }
  assertEquals((await good.restore())?.state, 1);
});

Deno.test("StateManager.open() refuses an initial that gives one object for all states", async () => {
  const fs = new MemoryFileSystem();
  const empty = { sum: 0 };
  await assertRejects(
    () => open(fs, { initial: () => empty }),
    TypeError,
    "initial must return a new object each time",
  );
  assertEquals(fs.names("/"), []);
  await using one = await open(fs, {
    initial: () => empty,
    apply: (state, by) => ({ sum: state.sum + by }),
    immutable: true,
  });
  await one.apply(1);
  assertEquals([one.state.sum, (await one.at(0)).sum], [1, 0]);
});
