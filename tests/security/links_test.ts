/** Links in place of every file of a folder, put there before, and between a look at a name and its opening. */
import { assert, assertEquals } from "@std/assert";
import { basename } from "@std/path";
import { repair, verify } from "@mini/state/admin";
import { MiniQueue } from "@mini/state/queue";
import { MiniError, MiniStore } from "@mini/state/store";
import { TestDirectory } from "../support/dir.ts";
import { GOOD, posted } from "../support/inbox.ts";
import { skipped } from "../support/system.ts";

/** Every file of a log and of a queue, or one that an opening makes. */
const NAMES = [
  "journal.jsonl",
  "journal.00000000000000000001.jsonl",
  "journal.jsonl.lock",
  "journal.jsonl.tmp",
  "journal.jsonl.torn",
  "journal.jsonl.consumer.c",
  "journal.jsonl.consumer.c.lock",
  "journal.jsonl.consumer.c.tmp",
  `snapshot_${"1".padStart(20, "0")}.json`,
  `snapshot_${"7".padStart(20, "0")}.json`,
  `snapshot_${"7".padStart(20, "0")}.json.tmp`,
  `inbox/${posted(1)}`,
  "inbox/refused",
  "inbox",
];

/** A folder with a log that has a torn end, a consumer, a snapshot and an inbox. */
async function fill(directory: TestDirectory): Promise<void> {
  const dir = directory.path;
  {
    await using queue = await MiniQueue.open<string>(dir, { inbox: true });
    await queue.enqueue("a");
    await queue.compact();
    await queue.enqueue("b");
  }
  {
    await using store = await MiniStore.open<unknown>(directory.at());
    await using consumer = await store.consumer("c");
    await consumer.reset(store.sequence);
    await store.rotate();
    await store.append({ apply: { at: 1, tick: true } });
  }
  await Deno.writeTextFile(directory.at(), '{"crc":"0', { append: true });
  await Deno.writeTextFile(directory.at(`inbox/${posted(1)}`), GOOD);
}

/** Everything that reads and writes such a folder; gives the codes of what was refused. */
async function act(directory: TestDirectory): Promise<string[]> {
  const codes: string[] = [];
  const path = directory.at();
  const acts: (() => Promise<unknown>)[] = [
    () => verify(path),
    async () => {
      await using queue = await MiniQueue.open<string>(directory.path, {
        inbox: true,
        onError: (error) => codes.push((error as MiniError).code),
      });
      await (await queue.receive())?.ack();
      await queue.compact();
    },
    async () => {
      await using store = await MiniStore.open<unknown>(path);
      await using consumer = await store.consumer("c");
      await store.append({ apply: { at: 1, tick: true } });
      await consumer.reset(store.sequence);
      await store.rotate();
    },
    () => repair(path),
    () => MiniQueue.post(directory.path, "posted"),
  ];
  for (const each of acts) {
    try {
      await each();
    } catch (error) {
      if (!(error instanceof MiniError)) throw error;
      codes.push(error.code);
    }
  }
  return codes;
}

/** The names and content of files and folders, and of all that is in them. */
async function contentOf(path: string): Promise<unknown> {
  if ((await Deno.stat(path)).isFile) return await Deno.readTextFile(path);
  const names = await Array.fromAsync(Deno.readDir(path), ({ name }) => name);
  return await Promise.all(
    names.sort().map(async (name) => [
      name,
      await contentOf(`${path}/${name}`),
    ]),
  );
}

async function exists(path: string): Promise<boolean> {
  return await Deno.lstat(path).then(() => true, () => false);
}

if (Deno.build.os === "windows") {
  skipped("links in place of files", "Windows lets only some users make them");
} else {
  for (const name of NAMES) {
    Deno.test(`nothing outside is written through a symbolic link in place of ${name}`, async () => {
      await using directory = new TestDirectory();
      await using outside = new TestDirectory();
      await fill(directory);
      const path = directory.at(name);
      const target = outside.at(basename(name));
      const isThere = await exists(path);
      if (isThere) await Deno.rename(path, target);
      else await Deno.writeTextFile(target, "");
      await Deno.symlink(target, path);
      const before = await contentOf(outside.path);
      const codes = await act(directory);
      assertEquals(await contentOf(outside.path), before);
      // A file that is only made is replaced by a new one, without a word.
      assert(!isThere || codes.length > 0, "the link was followed");
    });

    if (name === "inbox" || name === "inbox/refused") continue;
    Deno.test(`nothing outside is written through a hard link in place of ${name}`, async () => {
      await using directory = new TestDirectory();
      await using outside = new TestDirectory();
      await fill(directory);
      const path = directory.at(name);
      const target = outside.at(basename(name));
      if (await exists(path)) await Deno.rename(path, target);
      else await Deno.writeTextFile(target, "a letter");
      await Deno.link(target, path);
      const before = await contentOf(outside.path);
      await act(directory);
      assertEquals(await contentOf(outside.path), before);
    });
  }

  for (const isBack of [false, true]) {
    const how = isBack
      ? "while it is opened, and taken away again"
      : "when it was looked at";
    for (const name of ["journal.jsonl", "journal.jsonl.lock"]) {
      Deno.test(`nothing outside is read or written where a link takes the place of ${name} ${how}`, async () => {
        await using directory = new TestDirectory();
        await using outside = new TestDirectory();
        for (
          const [{ path }, record] of [[directory, "in"], [
            outside,
            "out",
          ]] as const
        ) {
          await using store = await MiniStore.open(`${path}/journal.jsonl`);
          await store.append(record);
        }
        const note = '{"pid":4711,"since":"then"}\n';
        await Deno.writeTextFile(outside.at("journal.jsonl.lock"), note);
        const before = await contentOf(outside.path);
        const path = directory.at(name);
        const read: unknown[] = [];
        const restore = swapping(path, outside.at(name), isBack);
        try {
          const error = await attempt(async () => {
            const records = MiniStore.replay(directory.at());
            for await (const { data } of records) read.push(data);
            await using store = await MiniStore.open(directory.at());
            await store.append("more");
          });
          assert(error instanceof MiniError, "the link was followed");
        } finally {
          restore();
        }
        assert(!read.includes("out"), "it was read");
        assertEquals(await contentOf(outside.path), before);
      });
    }
  }
}

async function attempt(act: () => Promise<void>): Promise<unknown> {
  try {
    await act();
  } catch (error) {
    return error;
  }
  return undefined;
}

/** Has a link take the place of a file whenever that is opened; returns what ends this. */
function swapping(path: string, target: string, isBack: boolean): () => void {
  const { open } = Deno;
  const away = `${path}.away`;
  Deno.open = async (opened, options) => {
    if (opened !== path || options?.createNew) {
      return await open(opened, options);
    }
    if ((await Deno.lstat(path)).isFile) await Deno.rename(path, away);
    await Deno.symlink(target, path).catch(() => {});
    const file = await open(opened, options);
    if (isBack) await Deno.rename(away, path);
    return file;
  };
  return () => {
    Deno.open = open;
  };
}
