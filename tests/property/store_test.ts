import { assertEquals } from "@std/assert";
import type { StandardSchemaV1 } from "@standard-schema/spec";
import fc from "fast-check";
import { type MiniError, MiniStore, type Schema } from "@mini/state/store";
import { MemoryFileSystem, Random, randomSeed } from "@mini/state/testing";
import { say } from "../support/report.ts";
import { size } from "../support/size.ts";

const PATH = "/data/journal.jsonl";

/** Set SEED to run the same again. */
const seed = Number(Deno.env.get("SEED") ?? randomSeed());

/** Values of every kind that JavaScript has, most of them fit for JSON. */
const anything = fc.anything({
  withBigInt: true,
  withDate: true,
  withMap: true,
  withSet: true,
  withSparseArray: true,
  withTypedArray: true,
  withNullPrototype: true,
  withUnicodeString: true,
  withBoxedValues: true,
});

Deno.test("MiniStore.append() gives back any value unchanged, or refuses it before a number is taken", async () => {
  let kept = 0;
  let refused = 0;
  for (let part = 0; part < size(1, 20); part++) {
    const counts = await keepOrRefuse(seed + part, size(1_500, 5_000));
    kept += counts.kept;
    refused += counts.refused;
  }
  say(`seed ${seed}: ${kept} values kept, ${refused} refused, 0 violations`);
});

/** Appends this many values, and reads back each that was not refused. */
async function keepOrRefuse(
  seed: number,
  numRuns: number,
): Promise<{ kept: number; refused: number }> {
  const store = await MiniStore.open<unknown>(PATH, {
    fs: new MemoryFileSystem(),
  });
  const values = fc.oneof(fc.jsonValue(), anything);
  let kept = 0;
  let refused = 0;
  for (const value of fc.sample(values, { seed, numRuns })) {
    const before = store.sequence;
    try {
      const seq = await store.append(value);
      const [record] = await Array.fromAsync(store.replay({ from: seq }));
      assertEquals(withoutPrototypes(record!.data), withoutPrototypes(value));
      kept++;
    } catch (error) {
      assertEquals((error as MiniError).code, "UNSERIALIZABLE", String(error));
      assertEquals(store.sequence, before);
      refused++;
    }
    if (kept % 200 === 0) await store.rotate();
  }
  await store.close();
  return { kept, refused };
}

/** The same value with plain objects only: an object without a prototype comes back with one. */
function withoutPrototypes(value: unknown): unknown {
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return value.map(withoutPrototypes);
  if (Object.getPrototypeOf(value) !== null) {
    if (Object.getPrototypeOf(value) !== Object.prototype) return value;
  }
  return new Map(
    Object.entries(value).map((
      [key, inner],
    ) => [key, withoutPrototypes(inner)]),
  );
}

Deno.test("MiniStore behaves as an array does, over random commands, reopening and kills", async () => {
  const runs = size(120, 20_000);
  let commands = 0;
  for (let run = 0; run < runs; run++) {
    const random = new Random(seed + run);
    commands += await compareWithArray(random, `SEED=${seed}, run ${run}`);
  }
  say(`seed ${seed}: ${runs} runs, ${commands} commands, 0 violations`);
});

async function compareWithArray(
  random: Random,
  label: string,
): Promise<number> {
  const fs = new MemoryFileSystem();
  const open = () =>
    MiniStore.open<number>(PATH, {
      fs,
      maxSegmentBytes: 100 + random.below(2_000),
    });
  const model: number[] = [];
  let first = 1;
  let store = await open();
  const next = () => model.length + 1;
  const length = 20 + random.below(30);
  for (let command = 0; command < length; command++) {
    switch (random.below(7)) {
      case 0:
      case 1: {
        const count = 1 + random.below(5);
        const appends = Array.from(
          { length: count },
          () => store.append(model.push(next())),
        );
        await Promise.all(appends);
        break;
      }
      case 2: {
        const batch = Array.from({ length: random.below(4) }, () => {
          model.push(next());
          return model.length;
        });
        await store.appendBatch(batch);
        break;
      }
      case 3:
        await store.rotate();
        break;
      case 4:
        first =
          (await store.compact(random.below(model.length + 1))).firstSequence;
        break;
      case 5:
        await store.close();
        store = await open();
        break;
      default:
        fs.restart();
        store = await open();
    }
    const found = await Array.fromAsync(
      store.replay(),
      (record) => record.data,
    );
    assertEquals(found, model.slice(first - 1), label);
    assertEquals(
      [store.sequence, store.firstSequence],
      [model.length, first],
      label,
    );
  }
  return length;
}

Deno.test("Schema takes any Standard Schema", () => {
  const standard: StandardSchemaV1<unknown, { a: number }> = {
    "~standard": {
      version: 1,
      vendor: "test",
      validate: () => ({ value: { a: 1 } }),
    },
  };
  const accepted: Schema<{ a: number }> = standard;
  assertEquals(accepted["~standard"].validate(1), { value: { a: 1 } });
});
