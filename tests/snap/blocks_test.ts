// A snapshot is read a block at a time: what a block ends with is told by the indentation.
import { crc32 } from "node:zlib";
import { assert, assertEquals } from "@std/assert";
import { SnapStore } from "@mini/state/snap";
import { MemoryFileSystem, Random, randomSeed } from "@mini/state/testing";
import { hex } from "../support/journal.ts";
import { say } from "../support/report.ts";
import { size } from "../support/size.ts";

const NAME = `/data/snapshot_${"3".padStart(20, "0")}.json`;

const encoder = new TextEncoder();

/** The size of the first block of a file. */
const FIRST_BLOCK_BYTES = 4_096;

/** More than the first block, and the second, of a file. */
const MANY_CHARS = 40_000;

const TEXTS = ["", "x", "{", "[", "}", '"', "a\n  b", "ü€😀", "\ud800", "  "];

function value(random: Random, depth: number): unknown {
  const kind = random.below(depth > 6 ? 4 : 7);
  if (kind === 0) return random.below(1_000) - 500;
  if (kind === 1) return [true, false, null][random.below(3)];
  if (kind < 4) return TEXTS[random.below(TEXTS.length)]!;
  const children = Array.from(
    { length: random.below(depth === 0 ? 400 : 8) },
    () => value(random, depth + 1),
  );
  if (kind === 4) return children;
  const keys = ["__proto__", "", '"\n{', "state", "7"];
  // `JSON.parse` makes `__proto__` a property like any other.
  return JSON.parse(JSON.stringify(Object.fromEntries(
    children.map((child, index) => [
      keys[random.below(4 * keys.length)] ?? `key ${index}`,
      child,
    ]),
  )));
}

function large(random: Random): unknown {
  const state: unknown[] = [];
  for (let chars = random.below(MANY_CHARS); chars > 0;) {
    const child = value(random, 0);
    chars -= JSON.stringify(child, null, 2).length;
    state.push(child);
  }
  return random.below(2) === 0 ? state : { state, "": { ...state } };
}

async function joined(
  ...parts: Uint8Array<ArrayBuffer>[]
): Promise<Uint8Array<ArrayBuffer>> {
  return await new Blob(parts).bytes();
}

/** Restores a file that nobody has written, whose checksum is right all the same. */
async function restored(body: Uint8Array<ArrayBuffer>): Promise<unknown> {
  const end = encoder.encode(`,\n  "crc": "${hex(crc32(body))}"\n}\n`);
  const fs = new MemoryFileSystem();
  const snaps = new SnapStore<unknown>("/data", { fs });
  await snaps.create(1, 3);
  fs.put(NAME, await joined(body, end));
  const found = await snaps.restore();
  if (found !== undefined) return found.state;
  return snaps.rejected.map(({ error }) => error.code);
}

const bodyOf = (state: unknown) =>
  JSON.stringify({ mini: 1, seq: 3, state }, null, 2).slice(0, -2);

/** How often a file is opened from now on: for a snapshot once for its version and once for its state, and again where that is read as a whole. */
function countOpened(fs: MemoryFileSystem): () => number {
  let count = 0;
  fs.hooks.before = ({ operation }) => {
    if (operation === "open") count++;
    return undefined;
  };
  return () => count;
}

Deno.test("SnapStore.restore() gives what was created, wherever a block ends", async () => {
  const seed = Number(Deno.env.get("SEED") ?? randomSeed());
  say(`blocks of a snapshot: seed ${seed}`);
  for (let life = 0; life < size(25, 3_000); life++) {
    const fs = new MemoryFileSystem();
    const state = large(new Random(seed + life));
    await new SnapStore("/data", { fs }).create(state, 3);
    const count = countOpened(fs);
    const found = await new SnapStore("/data", { fs }).restore();
    assertEquals(count(), 2, `seed ${seed + life}`);
    // Names and their order as well, whatever they are.
    const text = JSON.stringify(found?.state);
    assert(text === JSON.stringify(state), `seed ${seed + life}`);
  }
});

Deno.test("SnapStore.restore() gives a small state that the end of the first block cuts anywhere", async () => {
  const few = { one: [[1, {}]], other: { "": { last: [] } } };
  for (let chars = 3_800; chars < FIRST_BLOCK_BYTES; chars++) {
    const state = { fill: "x".repeat(chars), ...few };
    const fs = new MemoryFileSystem();
    await new SnapStore("/data", { fs }).create(state, 3);
    const count = countOpened(fs);
    const found = await new SnapStore("/data", { fs }).restore();
    assertEquals([found?.state, count()], [state, 2]);
    const spaced = bodyOf(state).replaceAll("\n   ", "\n\n");
    const body = spaced.replace("\n\n", "\n   ");
    assertEquals(await restored(encoder.encode(body)), state);
  }
});

Deno.test("SnapStore.restore() takes the last of several values of a name, as JSON.parse does, wherever a block ends", async () => {
  const seed = Number(Deno.env.get("SEED") ?? randomSeed());
  say(`names that come again: seed ${seed}`);
  for (let life = 0; life < size(10, 3_000); life++) {
    const state = large(new Random(seed + life));
    const body = bodyOf(state).replace(/"key \d+": /g, '"again": ');
    const { state: want } = JSON.parse(`${body}}`);
    const text = JSON.stringify(await restored(encoder.encode(body)));
    assert(text === JSON.stringify(want), `seed ${seed + life}`);
  }
});

Deno.test("SnapStore.restore() takes what is longer than a block as the value of a name, and then another", async () => {
  const long = Array.from({ length: 60_000 }, (_, at) => at);
  const parts = [{ again: { long } }, { again: { other: 1 } }];
  const [one, other] = parts.map((part) => bodyOf(part).slice(0, -4));
  const body = `${one},${other!.slice(other!.indexOf('\n    "again"'))}\n  }`;
  assertEquals(JSON.parse(`${body}}`).state, { again: { other: 1 } });
  assertEquals(await restored(encoder.encode(body)), { again: { other: 1 } });
});

Deno.test("SnapStore.restore() takes a snapshot whose indentation tells of another container than its text", async () => {
  const numbers = Array.from({ length: 60_000 }, (_, at) => `      ${at}`);
  const body = `{
  "mini": 1,
  "seq": 3,
  "state": {
        },
        "state": 5,
        "other": {
    "long": [
${numbers.join(",\n")}
    ]
  }`;
  assertEquals(JSON.parse(`${body}}`).state, 5);
  assertEquals(await restored(encoder.encode(body)), 5);
});

Deno.test("SnapStore.restore() takes any white space between the values of a snapshot", async () => {
  const seed = Number(Deno.env.get("SEED") ?? randomSeed());
  say(`white space in a snapshot: seed ${seed}`);
  for (let life = 0; life < size(25, 3_000); life++) {
    const random = new Random(seed + life);
    const state = large(random);
    const oneIn = 1 + random.below(2_000);
    const [head, ...lines] = bodyOf(state).split('\n  "state": ');
    const body = lines.join('\n  "state": ').replaceAll(
      /\n */g,
      (space) =>
        random.below(oneIn) > 0
          ? space
          : ["", "\n", `${space} `, `${space}  `, `${space} \n  `, "\n  "][
            random.below(6)
          ]!,
    );
    const found = await restored(
      encoder.encode(`${head}\n  "state": ${body}`),
    );
    assert(
      JSON.stringify(found) === JSON.stringify(state),
      `seed ${seed + life}`,
    );
  }
});

const FIRST = bodyOf(["x".repeat(5_000)]);
const WRONG = {
  "that is not UTF-8": encoder.encode(FIRST).map((byte, at) =>
    at === 5_000 ? 0xff : byte
  ),
  "that begins with a byte order mark": encoder.encode(`\ufeff${FIRST}`),
  "with more after its end": encoder.encode(
    `${FIRST}\n}\n${"\n".repeat(MANY_CHARS)}{\n  "a": 1`,
  ),
  "that closes more than is open": encoder.encode(`${FIRST}\n  ]\n`),
  "that never ends": encoder.encode(`${FIRST},\n  "more": {`),
};
for (const [what, body] of Object.entries(WRONG)) {
  Deno.test(`SnapStore.restore() sets aside a long snapshot ${what}`, async () => {
    assertEquals(await restored(body), ["CORRUPT"]);
  });
}

Deno.test("SnapStore.restore() takes a snapshot whose first block closes and opens containers in one line", async () => {
  const inFirst = '      1], "c": [ 2,\n';
  const text = (fill: string) =>
    bodyOf({ fill, a: [0] }).replace("      0\n", `${inFirst}      3\n`);
  const end = text("").indexOf(inFirst) + inFirst.length;
  const body = text("x".repeat(FIRST_BLOCK_BYTES - end));
  const { state } = JSON.parse(`${body}}`);
  assertEquals([state.a, state.c], [[1], [2, 3]]);
  assertEquals(await restored(encoder.encode(body)), state);
});

Deno.test("SnapStore.restore() gives a property __proto__ that can be changed and removed", async () => {
  const fs = new MemoryFileSystem();
  const snaps = new SnapStore<Record<string, unknown>>("/data", { fs });
  const first = "x".repeat(FIRST_BLOCK_BYTES);
  await snaps.create(JSON.parse(`{"${first}":0,"__proto__":1}`), 3);
  const { state } = (await snaps.restore())!;
  delete state[first];
  state["__proto__"] = 2;
  assertEquals(JSON.stringify(state), '{"__proto__":2}');
  delete state["__proto__"];
  assertEquals(JSON.stringify(state), "{}");
});

Deno.test("SnapStore.restore() takes the last of two states of a snapshot", async () => {
  const first = bodyOf({ "": Array(500).fill("x".repeat(100)) });
  for (const last of ["5", "null", "[]"]) {
    const found = await restored(
      encoder.encode(`${first},\n  "state": ${last}`),
    );
    assertEquals(found, JSON.parse(last));
  }
});

Deno.test("SnapStore.restore() takes a snapshot that is indented no further after its first block", async () => {
  const ones = Array(MANY_CHARS).fill(1);
  const text = bodyOf(ones).replaceAll(
    "\n    1",
    (line, at) => at < MANY_CHARS / 2 ? line : "\n1",
  );
  assertEquals(await restored(encoder.encode(text)), ones);
});

Deno.test("SnapStore.restore() takes a snapshot whose second block begins with an empty line and is indented further", async () => {
  const start = (fill: string) => `${bodyOf([fill]).slice(0, -4)},\n`;
  const fill = "x".repeat(FIRST_BLOCK_BYTES - start("").length);
  const ones = Array(2_000).fill(1);
  const lines = ones.map((one) => `${" ".repeat(40)}${one}`).join(",\n");
  const body = `${start(fill)}\n${lines}\n  ]`;
  assertEquals(await restored(encoder.encode(body)), [fill, ...ones]);
});
