/** The fixtures have every kind of file in docs/FORMAT.md, and a reader made from that page says of them what this code says. */
import { assertEquals } from "@std/assert";
import { copy } from "@std/fs";
import { basename, dirname, join } from "@std/path";
import { SnapStore } from "@mini/state/snap";
import { MiniError, MiniStore } from "@mini/state/store";
import { ROOT } from "../support/child.ts";
import { TestDirectory } from "../support/dir.ts";
import { fixture } from "../support/mini.ts";
import { noPython, told } from "../support/read_journal.ts";
import { skipped } from "../support/system.ts";
import { files, kindsInFormat, NEWEST, TIMES } from "../support/written.ts";

/** The kinds of docs/FORMAT.md: what the path of each ends in, and since when it is written. */
const KINDS: Readonly<Record<string, readonly [since: string, path: RegExp]>> =
  {
    "segment": [
      TIMES[0]!,
      /\/journal(\.\d{20})?\.jsonl(\.aside|\.damaged|\.pending|\.part)?$/,
    ],
    "snapshot": [TIMES[0]!, /(state|aside)\/snapshot_\d{20}\.json(\.bad)?$/],
    "snapshot in parts": [TIMES[0]!, /(parts)\/snapshot_\d{20}\.json$/],
    "ledger of a queue": [TIMES[0]!, /queue-snapshot\/snapshot_\d{20}\.json$/],
    "mutation of a state": [TIMES[0]!, /(state|state-batch)\/journal\.jsonl$/],
    "entry of a queue": [TIMES[0]!, /queue\/journal\.jsonl$/],
    "position of a consumer": [NEWEST, /\.consumer\.[a-z]+$/],
    "file of an inbox": [NEWEST, /inbox\/[0-9a-f]{32}\.\d{20}\.json$/],
    "note of a lock": [TIMES[0]!, /\.lock$/],
    "torn end": [TIMES[0]!, /\.torn$/],
    "unfinished copy": [NEWEST, /(backup|build)\/journal\.jsonl$/],
    "journal of the Rust crate": [NEWEST, /rust\/journal\.jsonl$/],
  };

Deno.test("each kind in the table of docs/FORMAT.md has a fixture by each version that writes it", async () => {
  assertEquals(Object.keys(KINDS).sort(), await kindsInFormat());
  for (const time of TIMES) {
    const paths = await files(time);
    for (const [kind, [since, path]] of Object.entries(KINDS)) {
      const isThere = paths.some((each) => path.test(each));
      assertEquals(isThere, time >= since, `${kind} of ${time}`);
    }
    const stray = paths.filter((path) =>
      !path.includes("/refused/") &&
      !Object.values(KINDS).some(([, kind]) => kind.test(path))
    );
    assertEquals(stray, []);
  }
});

Deno.test("the fixtures have every kind of entry of a queue, every part of a ledger, and every field of a message in an inbox", async () => {
  const text = await Deno.readTextFile(join(ROOT, "docs/FORMAT.md"));
  const block = /```jsonl queue\n(.*?)```/s.exec(text)![1]!;
  const keysOf = (json: string) => Object.keys(JSON.parse(json));
  const kinds = new Set(block.trimEnd().split("\n").flatMap(keysOf));
  const journal = fixture(`written/${NEWEST}/queue/journal.jsonl`);
  const entries = await Array.fromAsync(
    MiniStore.replay<{ apply: object }>(journal),
    ({ data }) => Object.keys(data.apply),
  );
  assertEquals([...new Set(entries.flat())].sort(), [...kinds].sort());
  const paths = await files(NEWEST);
  const read = (kind: string) =>
    Promise.all(
      paths.filter((path) => KINDS[kind]![1].test(path)).map((path) =>
        Deno.readTextFile(path)
      ),
    );
  const parts = (await read("ledger of a queue")).flatMap((text) =>
    JSON.parse(text).parts.slice(1).flatMap(Object.keys)
  );
  const told = text.split("\n## Versions\n")[1]!
    .matchAll(/^\| `([a-z]+)` +\| /gm);
  const known = Array.from(told, ([, kind]) => kind!);
  assertEquals([...new Set(parts)].sort(), known.sort());
});

const missing = await noPython();
if (missing !== undefined) {
  skipped("the fixtures, by a reader made from docs/FORMAT.md", missing);
} else {
  Deno.test("a reader made from docs/FORMAT.md says of every fixture what this code says", async () => {
    const all = (await Promise.all(TIMES.map(files))).flat();
    const paths = all.filter((path) =>
      !/\.lock$|\.torn$|\/refused\/|\/rust\//.test(path) &&
      // A sealed segment is read with the active one.
      !/\d{20}\.jsonl/.test(path)
    );
    const theirs = await told(paths);
    for (const [at, path] of paths.entries()) {
      assertEquals(theirs[at], await ours(path), path);
    }
  });
}

/** The account of a file by this code, in the form of the other reader. */
async function ours(path: string): Promise<string[]> {
  const lines: unknown[] = [];
  let verdict = "good";
  try {
    const name = basename(path);
    if (name.startsWith("snapshot_")) lines.push(await restored(path));
    else if (name.includes(".consumer.")) {
      const [log, consumer] = path.split(".consumer.");
      const { position } = (await consumersOf(log!, consumer!))!;
      lines.push({ seq: position });
    } else if (basename(dirname(path)) === "inbox") {
      lines.push(...JSON.parse(await Deno.readTextFile(path)).messages);
    } else {
      for await (const { seq, data, at } of MiniStore.replay(path)) {
        lines.push({ seq, data, at: at?.getTime() });
      }
      const text = await Deno.readTextFile(path);
      verdict = /"close":.*\n.*"close":.*\n$/.test(text) ? "clean" : "unclean";
    }
  } catch (error) {
    if (!(error instanceof MiniError)) throw error;
    verdict = error.code;
  }
  return [...lines.map((line) => JSON.stringify(line)), verdict];
}

/** The content of a snapshot, whatever its name. */
async function restored(path: string): Promise<unknown> {
  await using directory = new TestDirectory();
  const name = basename(path, ".bad");
  await Deno.copyFile(path, directory.at(name));
  const isInParts = (await Deno.readTextFile(path)).includes('"parts": [\n');
  const snaps = new SnapStore<unknown>(directory.path, {
    readOnly: true,
    ...(isInParts && {
      codec: {
        encode: () => [],
        decode: (parts) => Array.fromAsync(parts as AsyncIterable<unknown>),
      },
    }),
  });
  const found = await snaps.restore();
  if (found === undefined) throw new MiniError("CORRUPT", "none is intact");
  const { seq, logId: journal, version, state } = found;
  const held = isInParts ? { parts: state } : { state };
  return { seq, journal, version, ...held };
}

async function consumersOf(log: string, consumer: string) {
  await using directory = new TestDirectory();
  await copy(dirname(log), directory.path, { overwrite: true });
  await using store = await MiniStore.open(directory.at());
  const consumers = await store.consumers();
  return consumers.find(({ name }) => name === consumer);
}
