// What callers give, and what becomes of it.
import { assert, assertEquals, assertRejects } from "@std/assert";
import { toFileUrl } from "@std/path";
import { batch, type Schema, StateManager } from "@mini/state/state";
import { MemoryFileSystem } from "@mini/state/testing";
import { type Add, COUNTER, openCounter } from "../support/counter.ts";
import { TestDirectory } from "../support/dir.ts";
import { errorOf } from "../support/journal.ts";

Deno.test("StateManager.transact() refuses a decision that is a promise, and continues", async () => {
  const fs = new MemoryFileSystem();
  await using counter = await openCounter("/data", { fs });
  const decisions = [
    () => Promise.resolve({ by: 1 }),
    () => Promise.reject(new Error("nobody waits for it")),
  ];
  for (const decide of decisions) {
    await assertRejects(
      () => counter.transact(decide as never),
      TypeError,
      "must not return a promise",
    );
  }
  assertEquals([await counter.apply({ by: 2 }), counter.state.value], [1, 2]);
});

Deno.test("StateManager.transact() that decides on no mutations logs nothing", async () => {
  const fs = new MemoryFileSystem();
  await using counter = await openCounter("/data", { fs });
  assertEquals(await counter.transact(() => batch([])), undefined);
  assertEquals(counter.sequence, 0);
});

Deno.test("StateManager.apply() gives the words of what apply has thrown that is no Error", async () => {
  await using manager = await StateManager.open("/data", {
    fs: new MemoryFileSystem(),
    initial: () => 0,
    apply: (_, what: string) => {
      throw what;
    },
  });
  const error = await errorOf(manager.apply("no such thing"));
  assertEquals([error.code, error.cause], [
    "ABORTED_MUTATION",
    "no such thing",
  ]);
  assert(error.message.includes("no such thing"), error.message);
});

Deno.test("StateManager.open() takes its directory as a URL", async () => {
  await using directory = new TestDirectory();
  const url = toFileUrl(directory.at("a b"));
  {
    await using counter = await StateManager.open(url, COUNTER);
    await counter.apply({ by: 1 });
    assertEquals(counter.dir, directory.at("a b"));
  }
  await using again = await openCounter(directory.at("a b"));
  assertEquals(again.state.value, 1);
});

if (Deno.build.os !== "windows") {
  Deno.test("StateManager.open() gives its log and its snapshots the permissions that it is told", async () => {
    await using directory = new TestDirectory();
    await using counter = await openCounter(directory.path, { mode: 0o640 });
    await counter.apply({ by: 1 });
    await counter.createSnapshot();
    const names = directory.names();
    const modes = names.map((name) => Deno.statSync(directory.at(name)).mode);
    assertEquals(names.length, 3);
    assertEquals(modes.map((mode) => mode! & 0o777), [0o640, 0o640, 0o640]);
  });
}

Deno.test("StateManager.apply() reads each part of a mutation once, and applies what a restart reads", async () => {
  const options = {
    fs: new MemoryFileSystem(),
    initial: () => [] as unknown[],
    apply: (state: unknown[], value: unknown) => void state.push(value),
  };
  let reads = 0;
  const values = [
    {
      get by() {
        return ++reads;
      },
    },
    JSON.parse('{"__proto__":{"polluted":true},"b":[],"2":1,"1":[{"a":null}]}'),
    Object.assign(Object.create(null), { bare: "\ud800" }),
    [[], {}, [1e300, "", false]],
  ];
  let inMemory: string;
  {
    await using list = await StateManager.open("/data", options);
    for (const value of values) await list.apply(value);
    await list.applyBatch(values);
    inMemory = JSON.stringify(list.state);
    assertEquals(list.state[0], { by: 1 });
  }
  await using again = await StateManager.open("/data", options);
  assertEquals(JSON.stringify(again.state), inMemory);
  assertEquals(again.state, JSON.parse(inMemory));
  assertEquals(({} as { polluted?: boolean }).polluted, undefined);
});

Deno.test("StateManager.apply() applies what its log holds where Object.prototype has a toJSON", async () => {
  const fs = new MemoryFileSystem();
  const prototype = Object.prototype as { toJSON?: () => unknown };
  {
    await using counter = await openCounter("/data", { fs });
    prototype.toJSON = () => ({ by: 7 });
    try {
      await counter.apply({ by: 1 });
    } finally {
      delete prototype.toJSON;
    }
    assertEquals(counter.state.value, 7);
  }
  await using again = await openCounter("/data", { fs });
  assertEquals(again.state.value, 7);
});

Deno.test("StateManager.applyJson() applies the JSON of a mutation as apply() does the mutation", async () => {
  const fs = new MemoryFileSystem();
  {
    await using counter = await openCounter("/data", { fs, version: 1 });
    const applyJson = counter.applyJson!;
    assertEquals(await applyJson('{"by":1}', { durable: false }), 1);
    const conflict = await errorOf(
      applyJson('{"by":1}', { expectedSequence: 0 }),
    );
    assertEquals([conflict.code, counter.sequence], ["CONFLICT", 1]);
    assertEquals(await applyJson('{"by":2}', { expectedSequence: 1 }), 2);
    const aborted = await errorOf(applyJson('{"by":4,"fail":true}'));
    assertEquals(aborted.code, "ABORTED_MUTATION");
    await assertRejects(() => applyJson('{"by":'), SyntaxError);
    assertEquals(counter.state.value, 3);
  }
  await using again = await openCounter("/data", { fs, version: 1 });
  assertEquals([again.state.value, again.recovery.aborted], [3, [3]]);
});

Deno.test("StateManager.applyJson() refuses text that no line can hold, and logs nothing", async () => {
  const fs = new MemoryFileSystem();
  await using counter = await openCounter("/data", { fs });
  for (const text of [JSON.stringify({ by: 1 }, null, 2), '"\ud800"']) {
    await assertRejects(() => counter.applyJson!(text), TypeError, "JSON text");
  }
  assertEquals(await counter.applyJson!('{\r"by": 2 }'), 1);
  assertEquals(counter.state.value, 2);
});

Deno.test("StateManager.applyJson() accepts no deeper nesting than apply() does, which opening reads", async () => {
  const nested = (levels: number) => "[".repeat(levels) + "]".repeat(levels);
  const options = {
    fs: new MemoryFileSystem(),
    initial: () => 0,
    apply: (state: number, _: unknown) => state + 1,
  };
  {
    await using manager = await StateManager.open("/data", options);
    for (const levels of [999, 3_000]) {
      const refused = errorOf(manager.apply(JSON.parse(nested(levels))));
      assertEquals((await refused).code, "UNSERIALIZABLE");
      await assertRejects(
        () => manager.applyJson!(nested(levels)),
        SyntaxError,
        "nested deeper than 998 levels",
      );
    }
    assertEquals(await manager.apply(JSON.parse(nested(998))), 1);
    assertEquals(await manager.applyJson!(nested(998)), 2);
  }
  await using again = await StateManager.open("/data", options);
  assertEquals(again.state, 2);
});

Deno.test("StateManager.applyJson() is left out where a schema is to be asked", async () => {
  const schema: Schema<Add> = {
    "~standard": { validate: (value) => ({ value: value as Add }) },
  };
  const fs = new MemoryFileSystem();
  await using counter = await openCounter("/data", { fs, schema });
  assertEquals(counter.applyJson, undefined);
});
