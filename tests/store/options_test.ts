import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { MiniStore } from "@mini/state/store";
import { runScript } from "../support/child.ts";
import { TestDirectory } from "../support/dir.ts";
import { errorOf, openAndRead, readOnly } from "../support/journal.ts";

Deno.test("MiniStore holds writing and reading to the same maxRecordBytes", async () => {
  await using directory = new TestDirectory();
  const maxRecordBytes = 1_000;
  const fits = "é".repeat(499);
  {
    await using store = await MiniStore.open<string>(directory.at(), {
      maxRecordBytes,
    });
    assertEquals(await store.append(fits), 1);
    const error = await errorOf(store.append(`${fits}x`));
    assertEquals(error.code, "TOO_LARGE");
    assertEquals(
      (await errorOf(store.appendBatch([fits, "x"]))).code,
      "TOO_LARGE",
    );
    assertEquals(await store.append("next"), 2, "a number was taken");
  }
  const opened = await openAndRead(directory.at(), { maxRecordBytes });
  assertEquals(opened, { data: [fits, "next"], outcome: "clean" });
  assertEquals(await openAndRead(directory.at(), { maxRecordBytes: 100 }), {
    code: "TOO_LARGE",
  });
  const read = Array.fromAsync(
    MiniStore.replay(directory.at(), { maxRecordBytes: 100 }),
  );
  assertEquals((await errorOf(read)).code, "TOO_LARGE");
});

Deno.test("MiniStore.open() says TOO_LARGE of a record over maxRecordBytes in a sealed segment", async () => {
  await using directory = new TestDirectory();
  {
    await using store = await MiniStore.open<string>(directory.at());
    await store.append("short");
    await store.append("x".repeat(500));
    await store.rotate();
    await store.append("short");
  }
  const maxRecordBytes = 100;
  const error = await errorOf(
    MiniStore.open(directory.at(), { maxRecordBytes }),
  );
  assertEquals([error.code, error.line, error.seq], ["TOO_LARGE", 3, 2]);
});

Deno.test("MiniStore opens again with a maxRecordBytes below the length of a header", async () => {
  await using directory = new TestDirectory();
  const options = { maxRecordBytes: 2 };
  {
    await using store = await MiniStore.open<number>(directory.at(), options);
    assertEquals(await store.append(12), 1);
    await store.rotate();
    assertEquals(await store.append(34), 2);
    assertEquals((await errorOf(store.append(567))).code, "TOO_LARGE");
  }
  const opened = await openAndRead(directory.at(), options);
  assertEquals(opened, { data: [12, 34], outcome: "clean" });
  assertEquals(await readOnly(directory.at(), options), [12, 34]);
  {
    await using store = await MiniStore.open<string>(directory.at());
    await store.append("x".repeat(120));
  }
  const longer = { code: "TOO_LARGE" };
  assertEquals(await openAndRead(directory.at(), options), longer);
  assertEquals(await readOnly(directory.at(), options), longer);
});

Deno.test("MiniStore says TOO_LARGE of a whole last line over maxRecordBytes, also with NULs in place of its newline", async () => {
  await using directory = new TestDirectory();
  await (await MiniStore.open(directory.at())).append("x".repeat(200));
  const line = (await Deno.readFile(directory.at())).slice(0, -1);
  for (const nuls of [0, 1, 40]) {
    const bytes = new Uint8Array(line.length + nuls);
    bytes.set(line);
    const path = directory.at(`${nuls}.jsonl`);
    await Deno.writeFile(path, bytes);
    const found = await openAndRead(path, { maxRecordBytes: 50 });
    assertEquals(found, { code: "TOO_LARGE" }, `${nuls} NULs`);
    assertEquals(await Deno.readFile(path), bytes, "the file was touched");
  }
});

const wholeNumbers = {
  "~standard": {
    version: 1 as const,
    vendor: "test",
    validate: (value: unknown) =>
      typeof value === "number"
        ? { value: Math.trunc(value) }
        : { issues: [{ message: "not a number", path: ["a", { key: "b" }] }] },
  },
};

Deno.test("MiniStore asks the schema on append and on replay, and writes what it gives back", async () => {
  await using directory = new TestDirectory();
  {
    await using store = await MiniStore.open(directory.at(), {
      schema: wholeNumbers,
    });
    assertEquals(await store.append(1.5), 1);
    const error = await errorOf(store.append("x" as unknown as number));
    assertEquals(error.code, "INVALID");
    assertEquals(error.issues?.[0]?.message, "not a number");
    assert(error.message.includes("a.b: not a number"), error.message);
    assertEquals(await store.append(2), 2, "a number was taken");
  }
  {
    await using store = await MiniStore.open<unknown>(directory.at());
    await store.append("no number");
  }
  await using store = await MiniStore.open(directory.at(), {
    schema: wholeNumbers,
  });
  const seen: number[] = [];
  const read = async () => {
    for await (const { data } of store.replay()) seen.push(data);
  };
  const error = await errorOf(read());
  assertEquals([error.code, error.seq, seen], ["INVALID", 3, [1, 2]]);
});

Deno.test("MiniStore refuses what a schema refuses without a reason", async () => {
  await using directory = new TestDirectory();
  const schema = { "~standard": { validate: () => ({ issues: [] }) } };
  await using store = await MiniStore.open(directory.at(), { schema });
  const error = await errorOf(store.append("a" as never));
  assertEquals([error.code, error.issues], ["INVALID", []]);
  assert(error.message.endsWith("rejects it"), error.message);
});

Deno.test("MiniStore refuses a schema that answers asynchronously", async () => {
  await using directory = new TestDirectory();
  const schema = {
    "~standard": { validate: (value: unknown) => Promise.resolve({ value }) },
  };
  await using store = await MiniStore.open(directory.at(), { schema });
  await assertRejects(
    () => store.append(1),
    TypeError,
    "must not return a promise",
  );
  await using other = await MiniStore.open<number>(directory.at("other.jsonl"));
  await other.append(1);
  const read = () => Array.fromAsync(MiniStore.replay(other.path, { schema }));
  await assertRejects(read, TypeError, "must not return a promise");
});

Deno.test("MiniStore refuses misuse with a bare TypeError or RangeError", async () => {
  await using directory = new TestDirectory();
  const path = directory.at();
  for (const maxRecordBytes of [0, -1, 1.5, NaN]) {
    await assertRejects(
      () => MiniStore.open(path, { maxRecordBytes }),
      RangeError,
    );
  }
  await assertRejects(
    () => MiniStore.open(path, { maxSegmentBytes: 0 }),
    RangeError,
  );
  await assertRejects(
    () => MiniStore.open(path, { mode: 0o10000 }),
    RangeError,
  );
  await assertRejects(
    () => MiniStore.open(path, { durable: "often" as never }),
    TypeError,
  );
  await assertRejects(() => MiniStore.open(""), TypeError);
  await assertRejects(() => MiniStore.open("a\0b"), TypeError);
  for (const extension of ["", ".jsonl"]) {
    const name = `journal.00000000000000000000${extension}`;
    await assertRejects(
      () => MiniStore.open(directory.at(name)),
      TypeError,
      "the name of a segment",
    );
  }
  await using store = await MiniStore.open(path);
  for (const from of [0, -1, 1.5, NaN]) {
    assertThrows(() => store.replay({ from }), RangeError);
    assertThrows(() => store.follow({ from }), RangeError);
    assertThrows(() => MiniStore.replay(path, { from }), RangeError);
  }
  await assertRejects(() => store.compact(-1), RangeError);
});

Deno.test("MiniError that nobody catches shows its code", async () => {
  const script = `
import { MiniError } from "@mini/state/store";
throw new MiniError("LOCKED", "Cannot open it");`;
  const { success, stderr } = await runScript(script, []);
  assertEquals(success, false);
  assert(stderr.includes("MiniError [LOCKED]: Cannot open it"), stderr);
});
