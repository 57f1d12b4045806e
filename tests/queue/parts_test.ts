/** The parts of a ledger in a snapshot: what is not one is refused, and nothing is read otherwise than it was written. */
import { assert, assertEquals, assertNotEquals } from "@std/assert";
import { MiniQueue } from "@mini/state/queue";
import { SnapStore } from "@mini/state/snap";
import { MemoryFileSystem } from "@mini/state/testing";
import { contentOf, errorOf } from "../support/journal.ts";
import { drain } from "../support/queue.ts";

const SECRET = "the secret";

const WAITING = {
  id: 1,
  order: 1,
  at: 1,
  payload: SECRET,
  priority: 0,
  due: 0,
  attempts: 0,
  receipt: 0,
  inFlight: false,
};

const { attempts: _, ...UNCOUNTED } = { ...WAITING, receives: 1 };
const { payload: __, ...EMPTY } = WAITING;

const HEAD = { at: 1, drift: 0, nextId: 1, nextOrder: 1, paused: false };

for (
  const [what, parts] of [
    ["no part", []],
    ["a head without its numbers", [{ at: 1, parts: SECRET }]],
    ["a head of a newer version", [{ ...HEAD, v: 99 }]],
    ["a head with more in it", [{ ...HEAD, secret: SECRET }]],
    ["a part of another kind", [HEAD, { plan: { name: SECRET } }]],
    ["a part that is nothing", [HEAD, null]],
    ["a part that is text", [HEAD, SECRET]],
    ["an item that is nothing", [HEAD, { message: null }]],
    ["a part of two kinds", [HEAD, { message: WAITING, plan: 5 }]],
    ["a message without its attempts", [HEAD, { message: UNCOUNTED }]],
    ["a message without payload", [HEAD, { message: EMPTY }]],
    ["a message that would be the prototype of all", [HEAD, {
      message: { ...WAITING, id: "__proto__" },
    }]],
    ["a dead letter without a time", [HEAD, {
      dead: { ...WAITING, reason: SECRET },
    }]],
    ["a message whose number is none", [HEAD, {
      message: { ...WAITING, id: 1.5 },
    }]],
    ["a message after the last", [HEAD, {
      message: { ...WAITING, id: Number.MAX_SAFE_INTEGER },
    }]],
    ["a file of another name", [HEAD, { inbox: "__proto__" }]],
    ["no parts at all", undefined],
  ] as const
) {
  Deno.test(`MiniQueue.open() refuses a snapshot with ${what}, and changes nothing`, async () => {
    const fs = new MemoryFileSystem();
    {
      await using queue = await MiniQueue.open<string>("/data", { fs });
      await queue.enqueue(SECRET);
    }
    const snaps = new SnapStore<unknown>("/data", {
      fs,
      codec: {
        encode: () => parts === undefined ? SECRET : parts.values(),
        decode: (json) => json,
      },
    });
    await snaps.create({}, 1);
    const before = contentOf(fs);
    const error = await errorOf(MiniQueue.open("/data", { fs }));
    assertEquals(error.code, "UNSUPPORTED_FORMAT");
    assert(!error.message.includes("secret"), error.message);
    assertEquals(contentOf(fs), before);
  });
}

Deno.test("MiniQueue.open() takes a snapshot without a version, as it writes them", async () => {
  const fs = new MemoryFileSystem();
  {
    await using queue = await MiniQueue.open<string>("/data", { fs });
    await queue.enqueue("a");
    await queue.compact();
  }
  const [name] = fs.names("/data").filter((name) => name.endsWith(".json"));
  const text = new TextDecoder().decode(fs.content(`/data/${name}`));
  assertNotEquals(text.indexOf('"parts": [\n{"at":'), -1);
  assert(!text.includes('"v":'), text);
  await using again = await MiniQueue.open<string>("/data", { fs });
  assertEquals(await drain(again), ["a"]);
});

Deno.test("MiniQueue: a queue whose numbers have come to their end says so, and is there again", async () => {
  const fs = new MemoryFileSystem();
  const last = Number.MAX_SAFE_INTEGER - 1;
  const head = { ...HEAD, nextId: last + 1, nextOrder: last + 1 };
  const codec = {
    encode: () => [head, { message: { ...WAITING, id: last } }].values(),
    decode: (json: unknown) => json,
  };
  await new SnapStore<unknown>("/data", { fs, codec }).create({}, 1);
  for (let life = 0; life < 2; life++) {
    await using queue = await MiniQueue.open<string>("/data", { fs });
    const { code } = await errorOf(queue.enqueue("too many"));
    assertEquals(code, "ABORTED_MUTATION");
    await queue.compact();
    assertEquals((await queue.peek()).map(({ id }) => id), [last]);
  }
});
