// A log that is opened under another spelling of its name than the one that its directory lists.
import { assert, assertEquals } from "@std/assert";
import { MiniStore } from "@mini/state/store";
import { TestDirectory } from "../support/dir.ts";
import { errorOf } from "../support/journal.ts";
import { numbers, threeSegments } from "../support/records.ts";
import { SpellingFileSystem, SPELLINGS } from "../support/spelling.ts";

const NINE = [1, 2, 3, 4, 5, 6, 7, 8, 9];
const at = (stem: string) => `/data/${stem}.jsonl`;

/** The spellings of the stem among the names of segments. */
function stems(fs: SpellingFileSystem): string[] {
  const segments = fs.names("/data").filter((name) => name.endsWith(".jsonl"));
  return [...new Set(segments.map((name) => name.split(".")[0]!))];
}

async function readBoth(
  fs: SpellingFileSystem,
  two: readonly string[],
): Promise<number[][]> {
  return await Promise.all(two.map(async (stem) => {
    const records = MiniStore.replay<number>(at(stem), { fs });
    return numbers(await Array.fromAsync(records));
  }));
}

for (const spelling of SPELLINGS) {
  const { what, two: [first, second], two } = spelling;
  for (const isTelling of [true, false]) {
    // Only names can say it there, and these have nothing in common.
    if (!isTelling && what === "lone surrogates") continue;
    const how = isTelling ? "" : ", by the names alone";

    Deno.test(`MiniStore finds all segments where the file system does not tell ${what}${how}`, async () => {
      const fs = new SpellingFileSystem(spelling, { isTelling });
      const store = await threeSegments(at(first), fs);
      assertEquals(await readBoth(fs, two), [NINE, NINE]);
      await store.close();
      const [stem] = stems(fs);
      for (const [turn, other] of [second, first, second].entries()) {
        const again = await MiniStore.open<number>(at(other), { fs });
        assertEquals(again.recovery.outcome, "clean");
        assertEquals([again.firstSequence, again.sequence], [1, 9 + turn]);
        assertEquals(again.path, at(stem!));
        await again.append(10 + turn);
        await again.rotate();
        await again.close();
        assertEquals(stems(fs), [stem]);
      }
      const all = [...NINE, 10, 11, 12];
      assertEquals(await readBoth(fs, two), [all, all]);
    });
  }

  Deno.test(`MiniStore finds a log whose rotation was cut short where the file system does not tell ${what}`, async () => {
    for (const hasLock of [true, false]) {
      const fs = new SpellingFileSystem(spelling);
      await (await threeSegments(at(first), fs)).close();
      await fs.remove(at(first));
      if (!hasLock) await fs.remove(`${at(first)}.lock`);
      const left = numbers(
        await Array.fromAsync(MiniStore.replay<number>(at(first), { fs })),
      );
      assert(left.length > 0);
      assertEquals(await readBoth(fs, two), [left, left]);
      const store = await MiniStore.open<number>(at(second), { fs });
      assertEquals(numbers(await Array.fromAsync(store.replay())), left);
      await store.close();
      assertEquals(stems(fs).length, 1);
    }
  });

  Deno.test(`MiniStore keeps out a second handle where the file system does not tell ${what}`, async () => {
    const fs = new SpellingFileSystem(spelling);
    await using _store = await MiniStore.open(at(first), { fs });
    assertEquals(
      (await errorOf(MiniStore.open(at(second), { fs }))).code,
      "LOCKED",
    );
  });
}

const [CASE] = SPELLINGS as [typeof SPELLINGS[number]];

Deno.test("MiniStore.openReader() reads on in a log without a record where the file system does not tell files apart", async () => {
  const fs = new SpellingFileSystem(CASE, { isTelling: false });
  await using store = await MiniStore.open(at("journal"), { fs });
  await using reader = await MiniStore.openReader(at("journal"), { fs });
  assertEquals(reader.sequence, 0);
  await store.append(1);
  await reader.refresh!();
  assertEquals(reader.sequence, 1);
  // The next process gives it a new file.
  fs.restart();
  await using again = await MiniStore.open(at("journal"), { fs });
  await again.append(2);
  await reader.refresh!();
  assertEquals(reader.sequence, 2);
});

Deno.test("MiniStore continues under the spelling of its lock where there is nothing else", async () => {
  const fs = new SpellingFileSystem(CASE);
  await (await MiniStore.open(at("Journal"), { fs })).close();
  fs.unlink(at("Journal"));
  await (await MiniStore.open(at("journal"), { fs })).close();
  assertEquals(stems(fs), ["Journal"]);
});

Deno.test("MiniStore refuses segments that are spelled in several ways", async () => {
  const fs = new SpellingFileSystem(CASE);
  await (await threeSegments(at("Journal"), fs)).close();
  const active = fs.content(at("Journal"))!;
  fs.unlink(at("Journal"));
  fs.put(at("journal"), active);
  const names = fs.names("/data");
  for (const stem of CASE.two) {
    const opened = await errorOf(MiniStore.open(at(stem), { fs }));
    const read = await errorOf(
      Array.fromAsync(MiniStore.replay(at(stem), { fs })),
    );
    assertEquals(opened.code, "UNSUPPORTED_FORMAT");
    assert(opened.message.includes("give them one spelling"), opened.message);
    assertEquals(read.message, opened.message);
  }
  assertEquals(fs.names("/data"), names);
});

Deno.test("MiniStore finds rotated segments of the Rust program under another spelling", async () => {
  const fs = new SpellingFileSystem(CASE);
  const text = (record: number) =>
    new TextEncoder().encode(`// MINISTORE JOURNAL v0.1.3\n${record}\n`);
  fs.put(`${at("Journal")}.001`, text(1));
  fs.put(at("Journal"), text(2));
  assertEquals(await readBoth(fs, CASE.two), [[1, 2], [1, 2]]);
  await using store = await MiniStore.open<number>(at("journal"), { fs });
  assertEquals(await store.append(3), 3);
});

Deno.test("MiniStore takes no other log for its own, whatever the file system does not tell", async () => {
  const fs = new SpellingFileSystem(CASE);
  for (const stem of ["journal", "other", "Journal-2"]) {
    await (await threeSegments(at(stem), fs)).close();
  }
  await (await MiniStore.open(at("short"), { fs })).close();
  assertEquals(await readBoth(fs, ["journal", "OTHER"]), [NINE, NINE]);
  assertEquals(await readBoth(fs, ["SHORT"]), [[]]);
});

if (Deno.build.os === "linux") {
  Deno.test("MiniStore finds all segments of a name that the disk cannot hold as it is", async () => {
    await using directory = new TestDirectory();
    const path = directory.at("\ud800x.jsonl");
    await (await threeSegments(path)).close();
    for (let turn = 0; turn < 2; turn++) {
      await using store = await MiniStore.open<number>(path);
      assertEquals([store.firstSequence, store.sequence], [1, 9 + turn]);
      await store.append(10 + turn);
      await store.rotate();
    }
    const records = await Array.fromAsync(MiniStore.replay<number>(path));
    assertEquals(records.length, 11);
  });
}
