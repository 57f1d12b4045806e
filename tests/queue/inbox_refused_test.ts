// Files that hold no message leave the inbox, and are told.
import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertStringIncludes,
} from "@std/assert";
import { MiniQueue, type Schema } from "@mini/state/queue";
import { MiniError } from "@mini/state/store";
import { crashStates } from "@mini/state/testing";
import { TestDirectory } from "../support/dir.ts";
import {
  content,
  GOOD,
  INBOX,
  line,
  posted,
  REFUSED,
  TestInbox,
} from "../support/inbox.ts";
import { drain } from "../support/queue.ts";

const NESTED = `${"[".repeat(2_000)}${"]".repeat(2_000)}`;

/** Files that hold no message, and a word of the reason. */
const HOSTILE: [
  what: string,
  bytes: string | Uint8Array<ArrayBuffer>,
  why: string,
][] = [
  ["nothing", "", "newline"],
  ["a file that was cut short", GOOD.slice(0, -10), "newline"],
  ["text", "hello\n", "checksum"],
  ["JSON without a checksum", '{"payload":1}\n', "checksum"],
  ["a flipped bit", GOOD.replace("good", "goad"), "checksum is wrong"],
  ["what is not UTF-8", Uint8Array.of(0x7b, 0xff, 0x0a), "UTF-8"],
  ["a BOM", `\ufeff${GOOD}`, "checksum"],
  ["two lines", GOOD + GOOD, "checksum is wrong"],
  ["what is not JSON", line('"mini":1,'), "JSON"],
  ["no version", line('"messages":[{"payload":1}]}'), "version"],
  ["another field", line('"mini":1,"messages":[{"payload":1}],"a":1}'), "hold"],
  ["no list", content({ payload: 1 }), "hold"],
  ["no messages", content([]), "hold"],
  ["a message that is null", content([null]), "hold"],
  ["a message without a payload", content([{ group: "a" }]), "hold"],
  ["a field of a message", content([{ payload: 1, when: 1 }]), "hold"],
  ["a delay before now", content([{ payload: 1, delayMs: -1 }]), "delayMs"],
  [
    "a priority that is text",
    content([{ payload: 1, priority: "1" }]),
    "priority",
  ],
  ["a group that is none", content([{ payload: 1, group: null }]), "group"],
  [
    "what nests too deep",
    line(`"mini":1,"messages":[{"payload":${NESTED}}]}`),
    "nested",
  ],
  ["a file that is too large", new Uint8Array(8 * 1024 * 1024 + 1), "large"],
];

for (const [what, bytes, why] of HOSTILE) {
  Deno.test(`MiniQueue moves ${what} out of the inbox, tells once, and takes in the rest`, async () => {
    const test = new TestInbox();
    await using queue = await test.open();
    test.put(posted(1), bytes);
    test.put(posted(2), GOOD);
    assertEquals(await drain(queue), ["good"]);
    assertEquals([test.waiting, test.refused], [[], [posted(1)]]);
    assertEquals(test.told.length, 1);
    const error = test.told[0]!;
    assertInstanceOf(error, MiniError);
    assertStringIncludes(error.message, why);
    assertEquals(error.path, `${REFUSED}/${posted(1)}`);
    assertEquals((await queue.stats()).ready, 0);
  });
}

Deno.test("MiniQueue takes in nothing of a file of which any byte was changed", async () => {
  await using directory = new TestDirectory();
  let told = 0;
  await using queue = await MiniQueue.open(directory.path, {
    inbox: true,
    onError: () => told++,
  });
  const bytes = new TextEncoder().encode(GOOD);
  for (const at of bytes.keys()) {
    const changed = bytes.slice();
    changed[at]! ^= 1 << at % 8;
    await Deno.writeFile(directory.at(`inbox/${posted(at)}`), changed);
  }
  assertEquals((await queue.stats()).ready, 0);
  assertEquals(told, bytes.length);
});

Deno.test("MiniQueue moves a file with another name out of the inbox, but for those that begin with a dot", async () => {
  const test = new TestInbox();
  await using queue = await test.open();
  const other = posted(1).toUpperCase();
  const names = ["message.json", other, "constructor", "__proto__", ".hidden"];
  for (const name of names) test.put(name, GOOD);
  assertEquals(await drain(queue), []);
  assertEquals(test.waiting, [".hidden"]);
  assertEquals(test.refused, names.slice(0, 4).sort());
});

Deno.test("MiniQueue moves what the schema rejects out of the inbox, all messages of the file", async () => {
  const schema: Schema<string> = {
    "~standard": {
      validate: (value) => {
        if (value === "throw") throw new Error("a bug");
        return typeof value === "string"
          ? { value }
          : { issues: [{ message: "it must be text" }] };
      },
    },
  };
  const test = new TestInbox<string>({ schema });
  await using queue = await test.open();
  await MiniQueue.postBatch<unknown>("/data", [{ payload: "a" }, {
    payload: 1,
  }], {
    fs: test.fs,
  });
  await test.post("throw");
  await test.post("b");
  assertEquals(await drain(queue), ["b"]);
  assertEquals(test.codes, ["INVALID", "UNSUPPORTED_FORMAT"]);
  assertStringIncludes(test.told[0]!.message, "it must be text");
  assertStringIncludes(test.told[1]!.message, "a bug");
  assertEquals(test.refused.length, 2);
});

Deno.test("MiniQueue moves what does not fit into a record out of the inbox", async () => {
  const schema: Schema<string> = {
    "~standard": {
      validate: (value) => ({ value: String(value).padEnd(17_000_000) }),
    },
  };
  const test = new TestInbox<string>({ schema });
  await using queue = await test.open();
  await test.post("a");
  assertEquals(await queue.receive(), undefined);
  assertEquals([test.codes, test.refused.length], [["TOO_LARGE"], 1]);
});

Deno.test("MiniQueue keeps the last 1,000 files that are no message", async () => {
  await using directory = new TestDirectory();
  const { path } = directory;
  let told = 0;
  const options = { inbox: true, onError: () => told++ };
  const put = async (from: number, to = from) => {
    for (let n = from; n <= to; n++) {
      await Deno.writeTextFile(directory.at(`inbox/${posted(n)}`), "");
    }
  };
  const refused = async () => {
    const files = Deno.readDir(directory.at("inbox/refused"));
    return (await Array.fromAsync(files, ({ name }) => name)).sort();
  };
  {
    await using queue = await MiniQueue.open(path, options);
    await put(1, 600);
    while (told < 600) await queue.stats();
    // One that was refused before comes once more.
    await put(300);
    await queue.stats();
    await put(601, 1_203);
    while (told < 1_204) await queue.stats();
    const names = await refused();
    assertEquals(names.length, 1_000);
    assert(names.includes(posted(300)) && names.includes(posted(1_203)));
    assert(!names.includes(posted(1)));
  }
  await using queue = await MiniQueue.open(path, options);
  await put(2_000);
  await queue.stats();
  const names = await refused();
  assertEquals([names.length, names.at(-1)], [1_000, posted(2_000)]);
});

Deno.test("MiniQueue passes over what cannot be moved to the refused files, and tells once", async () => {
  const test = new TestInbox();
  await using queue = await test.open();
  test.put(posted(1), "no message");
  test.fail("rename", INBOX, "EACCES");
  for (const _ of [1, 2]) assertEquals(await drain(queue), []);
  assertEquals(test.codes, ["UNSUPPORTED_FORMAT"]);
  assertStringIncludes(test.told[0]!.message, "EACCES");
  assertEquals(test.waiting, [posted(1)]);
});

Deno.test("MiniQueue reads about 1 MiB at a time of files that are no message", async () => {
  const test = new TestInbox();
  await using queue = await test.open();
  for (const number of [1, 2, 3]) {
    test.put(posted(number), "x".repeat(600_000));
  }
  await queue.stats();
  assertEquals(test.waiting, [posted(3)]);
});

Deno.test("MiniQueue refuses no more than 1,000 files where none of those can be removed", async () => {
  const test = new TestInbox();
  await using queue = await test.open();
  for (let number = 0; number < 1_000; number++) {
    test.fs.put(`${REFUSED}/${posted(number)}`, new Uint8Array());
  }
  test.fail("remove", REFUSED, "ENOTEMPTY");
  for (const number of [1_000, 1_001]) test.put(posted(number), "");
  assertEquals(await drain(queue), []);
  assertEquals([test.refused.length, test.waiting.length], [1_000, 2]);
  assertStringIncludes(test.told[0]!.message, "is full");
  test.mend();
  test.clock.advance(60_000);
  // The one that is next was removed by hand.
  test.fs.unlink(`${REFUSED}/${posted(32)}`);
  assertEquals(await drain(queue), []);
  assertEquals(test.waiting, []);
  assert(test.refused.includes(posted(1_001)));
});

Deno.test("MiniQueue moves nothing to a folder that somebody has put in the place of its own", async () => {
  await using directory = new TestDirectory();
  const told: unknown[] = [];
  await using queue = await MiniQueue.open(directory.path, {
    inbox: true,
    onError: (error) => told.push(error),
  });
  const refused = directory.at("inbox/refused");
  await Deno.remove(refused);
  await Deno.mkdir(directory.at("trap"));
  await Deno.symlink(directory.at("trap"), refused);
  await Deno.writeTextFile(directory.at(`inbox/${posted(1)}`), "no message");
  for (const _ of [1, 2]) await queue.stats();
  assertEquals(told.length, 1);
  assertStringIncludes(String(told[0]), "is not a directory");
  assertEquals(await Array.fromAsync(Deno.readDir(directory.at("trap"))), []);
});

Deno.test("MiniQueue moves a file that becomes shorter while it is read out of the inbox", async () => {
  const test = new TestInbox();
  await using queue = await test.open();
  test.put(posted(1), GOOD);
  const file = await test.fs.open(`${INBOX}/${posted(1)}`, "append");
  let isCut = false;
  test.fs.hooks.before = ({ operation, path }) => {
    if (operation !== "read" || !path.endsWith(posted(1)) || isCut) return;
    isCut = true;
    file.truncate(10);
    return undefined;
  };
  assertEquals(await drain(queue), []);
  assertEquals(test.refused, [posted(1)]);
});

Deno.test("MiniQueue leaves a file of a newer version, tells once, and takes it in once it can", async () => {
  const test = new TestInbox();
  await using queue = await test.open();
  test.put(posted(1), content([{ payload: "new" }], 2));
  for (const _ of [1, 2]) assertEquals(await drain(queue), []);
  assertEquals([test.codes, test.waiting], [
    ["UNSUPPORTED_FORMAT"],
    [posted(1)],
  ]);
  test.put(posted(1), GOOD);
  test.clock.advance(60_000);
  assertEquals(await drain(queue), ["good"]);
});

if (Deno.build.os !== "windows") {
  Deno.test("MiniQueue never follows, waits for or empties what is no regular file in the inbox", async () => {
    await using directory = new TestDirectory();
    const dir = directory.at("jobs");
    const told: unknown[] = [];
    const onError = (error: unknown) => told.push(error);
    await using queue = await MiniQueue.open<string>(dir, {
      inbox: true,
      onError,
    });
    const at = (number: number) => `${dir}/inbox/${posted(number)}`;
    await Deno.writeTextFile(directory.at("secret"), GOOD);
    await Deno.symlink(directory.at("secret"), at(1));
    await Deno.symlink(directory.at("nothing"), at(2));
    await Deno.mkdir(`${at(3)}/inside`, { recursive: true });
    const { success } = await new Deno.Command("mkfifo", { args: [at(4)] })
      .output();
    assert(success);
    assertEquals(await queue.receive(), undefined);
    assertEquals(told.length, 4);
    const refused = await Array.fromAsync(Deno.readDir(`${dir}/inbox/refused`));
    assertEquals(
      refused.map(({ name }) => name).sort(),
      [1, 2, 3, 4].map(posted),
    );
    assertEquals(await Deno.readTextFile(directory.at("secret")), GOOD);
    assert(await Deno.stat(`${dir}/inbox/refused/${posted(3)}/inside`));
  });
}

Deno.test("MiniQueue has a file that was refused in one place at least after a power cut", async () => {
  const test = new TestInbox();
  await using queue = await test.open();
  test.put(posted(1), "no message\n");
  test.put(posted(2), GOOD);
  assertEquals((await queue.stats()).ready, 1);
  const [left] = crashStates(test.fs.snapshot());
  assertEquals(left!.fs.names(REFUSED), [posted(1)]);
});
