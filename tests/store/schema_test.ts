// What a schema makes of a record must be good enough for the schema.
import { assert, assertEquals, assertRejects } from "@std/assert";
import {
  MiniError,
  MiniStore,
  type Schema,
  type SchemaResult,
} from "@mini/state/store";
import { SnapStore } from "@mini/state/snap";
import { StateManager } from "@mini/state/state";
import { MiniQueue } from "@mini/state/queue";
import { MemoryFileSystem } from "@mini/state/testing";
import { errorOf } from "../support/journal.ts";

function schemaOf<T>(
  validate: (value: unknown) => SchemaResult<T>,
): Schema<T> {
  return { "~standard": { validate } };
}

const refused = { issues: [{ message: "not a string" }] };

/** Makes numbers of strings, and takes nothing else. */
const fromStrings = schemaOf<unknown>((value) =>
  typeof value === "string" ? { value: Number(value) } : refused
);

/** Takes everything, and makes something else of it each time. */
const growing = schemaOf<unknown>((value) => ({
  value: { was: value, at: [1, { deep: null }] },
}));

/** Makes the same of its own output, in another object with the keys in another order. */
const settling = schemaOf<unknown>((value) => {
  const { name = "nobody", tags = [] } = value as {
    name?: string;
    tags?: string[];
  };
  return {
    value: Object.keys(value as object)[0] === "name"
      ? { tags: [...tags], name }
      : { name, tags: [...tags] },
  };
});

/** The steps in which each brick asks a schema about a value: the first write, and reading it back. */
const BRICKS: Record<
  string,
  (
    schema: Schema<unknown>,
    fs: MemoryFileSystem,
  ) => Promise<{
    write: (value: unknown) => Promise<unknown>;
    read: () => Promise<unknown[]>;
    close: () => Promise<void>;
  }>
> = {
  "MiniStore.append()": async (schema, fs) => {
    const store = await MiniStore.open("/data/a.jsonl", { schema, fs });
    return {
      write: (value) => store.append(value),
      read: () => Array.fromAsync(store.replay(), ({ data }) => data),
      close: () => store.close(),
    };
  },
  "MiniStore.appendBatch()": async (schema, fs) => {
    const store = await MiniStore.open("/data/a.jsonl", { schema, fs });
    return {
      write: (value) => store.appendBatch([value, value]),
      read: () => Array.fromAsync(store.replay(), ({ data }) => data),
      close: () => store.close(),
    };
  },
  "SnapStore.create()": (schema, fs) => {
    const snaps = new SnapStore("/data", { schema, fs });
    return Promise.resolve({
      write: (value) => snaps.create(value, 1),
      read: async () => {
        const found = await snaps.restore();
        return found === undefined ? [] : [found.state];
      },
      close: () => Promise.resolve(),
    });
  },
  "StateManager.apply()": async (schema, fs) => {
    const manager = await StateManager.open("/data", {
      fs,
      schema,
      initial: (): unknown[] => [],
      apply: (state, value) => {
        state.push(value);
      },
    });
    return {
      write: (value) => manager.apply(value),
      read: () => Promise.resolve([...manager.state]),
      close: () => manager.close(),
    };
  },
  "MiniQueue.enqueue()": async (schema, fs) => {
    const queue = await MiniQueue.open("/data", { fs, schema });
    return {
      write: (value) => queue.enqueue(value),
      read: async () => {
        const message = await queue.receive();
        const dead = await queue.deadLetters();
        return [...(message ? [message.payload] : []), ...dead];
      },
      close: () => queue.close(),
    };
  },
};

for (const [name, open] of Object.entries(BRICKS)) {
  Deno.test(`${name} refuses what its schema could not read back, before it is written`, async () => {
    for (
      const [schema, words] of [
        [fromStrings, "rejects its own output (not a string)"],
        [growing, "changes its own output"],
      ] as const
    ) {
      const fs = new MemoryFileSystem();
      const { write, read, close } = await open(schema, fs);
      const error = await errorOf(write("5"));
      assertEquals(error.code, "INVALID");
      assert(error.message.includes(words), error.message);
      assert(error.message.endsWith("nothing was written"), error.message);
      assertEquals(await read(), []);
      await close();
    }
  });

  Deno.test(`${name} takes what its schema makes, where that stays as it is`, async () => {
    const fs = new MemoryFileSystem();
    const { write, read, close } = await open(settling, fs);
    await write({});
    const values = await read();
    assert(values.length > 0);
    for (const value of values) {
      assertEquals(value, { name: "nobody", tags: [] });
    }
    await close();
  });

  Deno.test(`${name} asks a schema once that gives back what it is given`, async () => {
    let asked = 0;
    const same = schemaOf<unknown>((value) => {
      asked++;
      return { value };
    });
    const { write, close } = await open(same, new MemoryFileSystem());
    await write("plain");
    const first = asked;
    const values = name.includes("Batch") ? 2 : 1;
    // A state asks once more about what apply is given, which is a copy.
    assertEquals(first, name.startsWith("StateManager") ? 2 : values);
    await close();
  });
}

const WRONG: [what: string, answer: unknown][] = [
  ["nothing", undefined],
  ["null", null],
  ["text", "fine"],
  ["neither value nor issues", {}],
  ["issues that are no list", { issues: "bad" }],
  ["null for issues", { issues: null }],
];

for (const [what, answer] of WRONG) {
  Deno.test(`MiniStore refuses a schema that answers with ${what}`, async () => {
    const fs = new MemoryFileSystem();
    const schema = schemaOf<unknown>(() => answer as never);
    await using store = await MiniStore.open("/data/a.jsonl", { schema, fs });
    await assertRejects(
      () => store.append(1),
      TypeError,
      "must return { value } or { issues }",
    );
    assertEquals(store.sequence, 0);
  });
}

Deno.test("MiniStore words an issue as well as that can be, whatever it is", async () => {
  const fs = new MemoryFileSystem();
  for (
    const [issue, ending] of [
      [null, "rejects it"],
      [{ message: 5 }, "rejects it"],
      [{ message: "no", path: [null, { key: "a" }, 1] }, "(undefined.a.1: no)"],
    ] as const
  ) {
    const schema = schemaOf<unknown>(() => ({ issues: [issue as never] }));
    await using store = await MiniStore.open("/data/a.jsonl", { schema, fs });
    const error = await errorOf(store.append(1));
    assertEquals(error.code, "INVALID");
    assert(error.message.endsWith(ending), error.message);
  }
});

Deno.test("MiniStore throws what a schema throws as it is, on append and on replay", async () => {
  const fs = new MemoryFileSystem();
  const broken = schemaOf<unknown>(() => {
    throw new Error("the schema is broken");
  });
  {
    await using store = await MiniStore.open<unknown>("/data/a.jsonl", { fs });
    await store.append(1);
  }
  await using store = await MiniStore.open("/data/a.jsonl", {
    fs,
    schema: broken,
  });
  for (
    const task of [
      () => store.append(2),
      () => Array.fromAsync(store.replay()),
      () =>
        Array.fromAsync(MiniStore.replay(store.path, { fs, schema: broken })),
    ]
  ) {
    const error = await assertRejects(task, Error, "the schema is broken");
    assertEquals(error instanceof MiniError, false);
  }
});

Deno.test("StateManager.open() throws what the schema of its log throws as it is", async () => {
  const fs = new MemoryFileSystem();
  const options = { initial: () => 0, apply: (sum: number) => sum + 1, fs };
  {
    await using manager = await StateManager.open("/data", options);
    await manager.apply(1);
  }
  const log = await MiniStore.open("/data/journal.jsonl", {
    fs,
    schema: schemaOf<unknown>(() => {
      throw new Error("the schema is broken");
    }),
  });
  const error = await assertRejects(
    () => StateManager.open("/data", { ...options, log }),
    Error,
    "the schema is broken",
  );
  assertEquals(error.constructor, Error);
});

Deno.test("MiniStore with a schema takes no JSON that the schema has not seen", async () => {
  const fs = new MemoryFileSystem();
  const options = { fs, schema: settling };
  await using store = await MiniStore.open("/data/journal.jsonl", options);
  assertEquals(store.appendJson, undefined);
  await store.append({});
  for await (const chunk of store.replayChunks()) {
    assertEquals([...chunk].map(({ seq }) => seq), [1]);
  }
});

Deno.test("MiniStore refuses what a schema makes of a record that JSON would not keep", async () => {
  const fs = new MemoryFileSystem();
  const cycle: { self?: unknown } = {};
  cycle.self = cycle;
  for (
    const made of [() => structuredClone(cycle), () => new Map(), () => 1n]
  ) {
    const schema = schemaOf<unknown>(() => ({ value: made() }));
    await using store = await MiniStore.open("/data/a.jsonl", { schema, fs });
    assertEquals((await errorOf(store.append(1))).code, "UNSERIALIZABLE");
  }
});

Deno.test("MiniStore: what a schema makes of its own output is compared in every place", async () => {
  const fs = new MemoryFileSystem();
  const pairs: [unknown, unknown][] = [
    [[1], { 0: 1 }],
    [[1], [1, 2]],
    [{ a: 1 }, { b: 1 }],
    [{ a: { b: 1 } }, { a: { b: 2 } }],
    [{ a: 1 }, 1],
  ];
  for (const [first, second] of pairs) {
    const schema = schemaOf<unknown>((value) => ({
      value: value === "new" ? first : second,
    }));
    await using store = await MiniStore.open("/data/a.jsonl", { schema, fs });
    const error = await errorOf(store.append("new"));
    assert(error.message.includes("changes its own output"), error.message);
  }
});
