import { crc32 } from "node:zlib";
import { assert, assertEquals } from "@std/assert";
import { type SnapCodec, SnapStore } from "@mini/state/snap";
import { MemoryFileSystem } from "@mini/state/testing";
import { TestDirectory } from "../support/dir.ts";
import { errorOf, hex } from "../support/journal.ts";
import { say } from "../support/report.ts";

const NAMES = [1, 2, 3].map((seq) =>
  `snapshot_${String(seq).padStart(20, "0")}.json`
);

interface Value {
  value: number;
}

/** Writes a state in one part. */
const IN_PARTS: SnapCodec<Value> = {
  encode: (state) => [state].values(),
  async decode(json) {
    if (!(Symbol.asyncIterator in Object(json))) return json as Value;
    const [state] = await Array.fromAsync(json as AsyncIterable<Value>);
    return state!;
  },
};

async function three(
  directory: TestDirectory,
  codec?: SnapCodec<Value>,
): Promise<SnapStore<Value>> {
  const options = { keep: 3, ...(codec && { codec }) };
  const snaps = new SnapStore<Value>(directory.path, options);
  for (const seq of [1, 2, 3]) await snaps.create({ value: 10 * seq }, seq);
  return snaps;
}

for (const codec of [undefined, IN_PARTS]) {
  const what = codec === undefined ? "snapshot" : "snapshot in parts";
  Deno.test(`SnapStore.restore() sets a damaged ${what} aside, whatever bit is flipped, and falls back`, async () => {
    await using directory = new TestDirectory();
    const snaps = await three(directory, codec);
    const path = directory.at(NAMES[2]!);
    const bytes = await Deno.readFile(path);
    for (let bit = 0; bit < bytes.length * 8; bit++) {
      const damaged = bytes.slice();
      damaged[bit >> 3]! ^= 1 << (bit & 7);
      await Deno.writeFile(path, damaged);
      const restored = await snaps.restore();
      assertEquals(restored?.state, { value: 20 }, `bit ${bit}`);
      assertEquals(restored?.rejected.map((rejected) => rejected.path), [
        `${path}.bad`,
      ]);
      assertEquals(await Deno.readFile(`${path}.bad`), damaged);
      await Deno.remove(`${path}.bad`);
    }
    say(
      `every bit flip of a ${what}: ${bytes.length * 8} verdicts, 0 restored`,
    );
  });
}

Deno.test("SnapStore.restore() falls back down the chain, wherever a snapshot is cut", async () => {
  await using directory = new TestDirectory();
  const snaps = await three(directory);
  const [first, second, third] = NAMES.map((name) => directory.at(name));
  const bytes = await Deno.readFile(third!);
  for (let cut = 0; cut < bytes.length; cut++) {
    await Deno.writeFile(third!, bytes.slice(0, cut));
    const restored = await snaps.restore();
    assertEquals(
      [restored?.seq, restored?.state.value],
      [2, 20],
      `cut at ${cut}`,
    );
  }
  say(`every cut of a snapshot: ${bytes.length} verdicts, 0 restored`);
  await Deno.truncate(second!, 40);
  assertEquals((await snaps.restore())?.seq, 1);
  await Deno.truncate(first!, 40);
  assertEquals(await snaps.restore(), undefined);
});

const NEWER = '{\n  "mini": 2,\n  "new": true';
const ENDS = {
  "another end than ours": "\n}\n",
  "our end, and is whole": `,\n  "crc": "${hex(crc32(NEWER))}"\n}\n`,
};

for (const [what, end] of Object.entries(ENDS)) {
  Deno.test(`SnapStore.restore() does not touch a snapshot of a newer version that has ${what}`, async () => {
    await using directory = new TestDirectory();
    const snaps = await three(directory);
    await Deno.writeTextFile(directory.at(NAMES[2]!), NEWER + end);
    const names = directory.names();
    assertEquals((await errorOf(snaps.restore())).code, "UNSUPPORTED_FORMAT");
    assertEquals(directory.names(), names);
  });
}

const FORGED = {
  "no state": '{\n  "mini": 1,\n  "seq": 3',
  "no sequence number": '{\n  "mini": 1,\n  "state": 1',
  "a number below zero": '{\n  "mini": 1,\n  "seq": -3,\n  "state": 1',
  "no JSON": '{\n  "mini": 1,\n  seq',
  "parts and no sequence number": '{\n  "mini": 1,\n  "parts": [\n1\n  ]',
  "parts that are no JSON":
    '{\n  "mini": 1,\n  "seq": 3,\n  "parts": [\n{\n  ]',
};
for (const [what, text] of Object.entries(FORGED)) {
  Deno.test(`SnapStore.restore() sets aside a snapshot with ${what}, though its checksum is right`, async () => {
    await using directory = new TestDirectory();
    await three(directory);
    const crc = hex(crc32(text));
    const whole = `${text},\n  "crc": "${crc}"\n}\n`;
    await Deno.writeTextFile(directory.at(NAMES[2]!), whole);
    const snaps = new SnapStore<unknown>(directory.path, {
      codec: {
        encode: (state) => state,
        decode: (json) =>
          Symbol.asyncIterator in Object(json)
            ? Array.fromAsync(json as AsyncIterable<unknown>)
            : json,
      },
    });
    const restored = await snaps.restore();
    assertEquals([restored?.seq, restored?.rejected.length], [2, 1]);
    if (what.endsWith("no sequence number")) {
      const { message } = restored!.rejected[0]!.error;
      assert(message.includes("it has no sequence number"), message);
    }
  });
}

Deno.test("SnapStore.restore() takes no snapshot under another's name", async () => {
  await using directory = new TestDirectory();
  const snaps = await three(directory);
  await Deno.rename(
    directory.at(NAMES[0]!),
    directory.at(`snapshot_${"9".padStart(20, "0")}.json`),
  );
  assertEquals((await snaps.restore())?.seq, 3);
});

Deno.test("SnapStore.restore() keeps every damaged snapshot, also of one number", async () => {
  await using directory = new TestDirectory();
  const snaps = new SnapStore<number>(directory.path);
  const kept: string[] = [];
  for (const damage of ["one", "two", "three"]) {
    const { path } = await snaps.create(1, 1);
    await Deno.writeTextFile(path, damage);
    assertEquals(await snaps.restore(), undefined);
    kept.push(await Deno.readTextFile(snaps.rejected.at(-1)!.path));
  }
  assertEquals(kept, ["one", "two", "three"]);
  assertEquals(directory.names(), [
    `${NAMES[0]}.2.bad`,
    `${NAMES[0]}.3.bad`,
    `${NAMES[0]}.bad`,
  ]);
});

for (const operation of ["rename", "syncDirectory"] as const) {
  Deno.test(`SnapStore.restore() says where a damaged snapshot is when ${operation} fails`, async () => {
    const fs = new MemoryFileSystem();
    const snaps = new SnapStore<number>("/data", { fs });
    await snaps.create(10, 1);
    await snaps.create(20, 2);
    fs.put(`/data/${NAMES[1]}`, new TextEncoder().encode("{"));
    fs.hooks.before = (call) =>
      call.operation === operation ? { code: "EROFS" } : undefined;
    const restored = await snaps.restore();
    assertEquals(restored?.state, 10);
    const [path] = restored!.rejected.map((rejected) => rejected.path);
    assertEquals(fs.names("/data").includes(path!.slice(6)), true, path);
  });
}

Deno.test("SnapStore.restore() gives no state of parts that are damaged, though the codec passes over that", async () => {
  await using directory = new TestDirectory();
  await (await three(directory)).prune(1);
  const text = FORGED["parts that are no JSON"];
  const whole = `${text},\n  "crc": "${hex(crc32(text))}"\n}\n`;
  await Deno.writeTextFile(directory.at(NAMES[2]!), whole);
  const snaps = new SnapStore<number>(directory.path, {
    codec: {
      encode: (state) => state,
      decode: (json) =>
        Array.fromAsync(json as AsyncIterable<unknown>)
          .then(({ length }) => length, () => 0),
    },
  });
  assertEquals(await snaps.restore(), undefined);
  assertEquals(snaps.rejected.map(({ error }) => error.code), ["CORRUPT"]);
});

Deno.test("SnapStore.restore() sets aside parts that are not UTF-8, though their checksum is right", async () => {
  const fs = new MemoryFileSystem();
  const snaps = new SnapStore<unknown[]>("/data", {
    fs,
    codec: {
      encode: (state) => state.values(),
      decode: (json) => Array.fromAsync(json as AsyncIterable<unknown>),
    },
  });
  await snaps.create(["?"], 1);
  const path = `/data/${NAMES[0]}`;
  const bytes = fs.content(path)!;
  bytes[bytes.indexOf("?".charCodeAt(0))] = 0xff;
  const end = bytes.lastIndexOf(0x2c);
  const crc = hex(crc32(bytes.subarray(0, end)));
  const crcAt = bytes.length - `${crc}"\n}\n`.length;
  bytes.set(new TextEncoder().encode(crc), crcAt);
  fs.put(path, bytes);
  assertEquals(await snaps.restore(), undefined);
  assertEquals(snaps.rejected.map(({ error }) => error.code), ["CORRUPT"]);
});

Deno.test("SnapStore.restore() sets aside a snapshot that is JSON and no object", async () => {
  for (const text of ["5", "null", '"x"']) {
    const fs = new MemoryFileSystem();
    fs.put(`/data/${NAMES[0]}`, new TextEncoder().encode(text));
    const snaps = new SnapStore("/data", { fs });
    assertEquals(await snaps.restore(), undefined);
    assertEquals(snaps.rejected.map(({ error }) => error.code), ["CORRUPT"]);
  }
});
