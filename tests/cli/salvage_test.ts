import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { join } from "@std/path";
import { MiniStore } from "@mini/state/store";
import { runScript } from "../support/child.ts";
import { type Add, type Counter, openCounter } from "../support/counter.ts";
import { TestDirectory } from "../support/dir.ts";
import { errorOf, openAndRead, readOnly } from "../support/journal.ts";
import { fixture, mini, miniJson } from "../support/mini.ts";
import { size } from "../support/size.ts";
import { Mount, skipped } from "../support/system.ts";
import { WallClock } from "../support/wall_clock.ts";

Deno.test("mini salvage reads on behind a damage, verified, and says what is missing", async () => {
  await using directory = new TestDirectory();
  const path = directory.at("new.jsonl");
  const { code, json } = await miniJson([
    "salvage",
    fixture("v1/flipped"),
    path,
  ]);
  assertEquals([code, json.records], [1, 8]);
  assertEquals(json.ranges, [{ from: 1, to: 4, as: 1 }, {
    from: 6,
    to: 9,
    as: 5,
  }]);
  assertEquals([json.gaps, json.unverified], [[{ from: 5, to: 5 }], []]);
  assertEquals(json.damaged[0].line, 2);
  const whole = await readOnly(fixture("v1/whole/journal.jsonl")) as unknown[];
  whole.splice(4, 1);
  assertEquals(await openAndRead(path), { data: whole, outcome: "clean" });
  const again = await mini(["salvage", fixture("v1/flipped"), path]);
  assertEquals(again.code, 2);
  assertStringIncludes(again.stderr, "already exists");
});

Deno.test("mini salvage of a whole log keeps the numbers, also where compaction has removed the first", async () => {
  await using directory = new TestDirectory();
  {
    await using store = await MiniStore.open<number>(directory.at());
    for (const value of [1, 2, 3, 4]) await store.append(value);
    await store.rotate();
    await store.compact(4);
    await store.appendBatch([5, 6]);
  }
  const path = directory.at("new.jsonl");
  const { code, stdout } = await mini(["salvage", directory.at(), path]);
  assertEquals(code, 0);
  assertStringIncludes(stdout, "nothing was lost");
  await using store = await MiniStore.open<number>(path);
  assertEquals([store.firstSequence, store.sequence], [5, 6]);
});

Deno.test("mini salvage keeps the times of records, also in new segments and after a damage", async () => {
  await using directory = new TestDirectory();
  const start = Date.UTC(2026, 0, 1);
  {
    using clock = new WallClock(start);
    const options = { maxSegmentBytes: 250, timestamps: true };
    await using store = await MiniStore.open<string>(directory.at(), options);
    for (const text of ["a", "b", "c", "d", "e", "f"]) {
      clock.ms += 10;
      await Promise.all([store.append(text), store.append(text)]);
    }
    await store.appendBatch(["g", "h"]);
  }
  const times = async (path: string) => {
    const records = MiniStore.replay<string>(path);
    return await Array.fromAsync(records, ({ data, at }) => [data, at]);
  };
  const before = await times(directory.at());
  const whole = directory.at("whole.jsonl");
  assertEquals((await mini(["salvage", directory.at(), whole])).code, 0);
  assertEquals(await times(whole), before);
  const sealed = directory.at("journal.00000000000000000000.jsonl");
  const bytes = await Deno.readFile(sealed);
  bytes[bytes.lastIndexOf(0x0a) - 3]! ^= 1;
  await Deno.writeFile(sealed, bytes);
  const rescued = directory.at("rescued.jsonl");
  assertEquals((await mini(["salvage", directory.at(), rescued])).code, 1);
  assertEquals(await times(rescued), before.toSpliced(3, 1));
});

Deno.test("mini salvage of a state has the aborts follow their records", async () => {
  await using directory = new TestDirectory();
  {
    await using counter = await openCounter(directory.at("old"));
    await counter.apply({ by: 1, note: "lost" });
    await counter.apply({ by: 2 });
    await counter.apply({ by: 3, fail: true }).catch(() => {});
    await counter.apply({ by: 4 });
  }
  const old = directory.at("old/journal.jsonl");
  const text = await Deno.readTextFile(old);
  await Deno.writeTextFile(old, text.replace('"lost"', '"cost"'));
  await mini(["salvage", old, directory.at("new/journal.jsonl")]);
  const rescued = await readOnly(directory.at("new/journal.jsonl"));
  assertEquals((rescued as { abort?: number }[])[2], { abort: 2 });
  await using counter = await openCounter(directory.at("new"));
  assertEquals(counter.state.value, 6);
});

Deno.test("mini salvage of a state keeps what proves that its records had been applied", async () => {
  for (const isClosed of [true, false]) {
    await using directory = new TestDirectory();
    const apply = (state: Counter, { by }: Add) => {
      state.value += by;
    };
    const newer = await openCounter(directory.at("old"), { apply });
    await newer.apply({ by: 1, note: "lost" });
    await newer.apply({ by: 2 });
    await newer.apply({ by: 3, fail: true });
    if (isClosed) await newer.close();
    const old = directory.at("old/journal.jsonl");
    const text = await Deno.readTextFile(old);
    await Deno.writeTextFile(
      directory.at("cut.jsonl"),
      text.replace('"lost"', '"cost"'),
    );
    const path = directory.at("new/journal.jsonl");
    await mini(["salvage", directory.at("cut.jsonl"), path]);
    if (isClosed) {
      const error = await errorOf(openCounter(directory.at("new")));
      assertEquals([error.code, error.seq], ["REPLAY_FAILED", 2]);
    } else {
      await using older = await openCounter(directory.at("new"));
      assertEquals([older.state.value, older.recovery.undecided], [2, [2]]);
      await newer.close();
    }
    await using again = await openCounter(directory.at("new"), { apply });
    assertEquals(again.state.value, 5);
  }
});

Deno.test("mini salvage of a Rust journal leaves out what is no JSON", async () => {
  await using directory = new TestDirectory();
  const text = await Deno.readTextFile(fixture("mini-rs/counter.log"));
  const lines = text.split("\n");
  lines[3] = "{{";
  await Deno.writeTextFile(directory.at("x.log"), lines.join("\n"));
  const path = directory.at("new.jsonl");
  const { code, json } = await miniJson([
    "salvage",
    directory.at("x.log"),
    path,
  ]);
  assertEquals([code, json.records, json.damaged[0].line], [1, 11, 4]);
});

/** Damages each byte of a journal in turn, and salvages it each time. */
const EVERY_BYTE = `
import { main } from "@mini/state/cli";
import { MiniStore } from "@mini/state/store";
const [dir] = Deno.args;
const path = dir + "/journal.jsonl";
const records = [1, "two", { three: [3] }, null, "five", 6, "seven"];
{
  await using store = await MiniStore.open(path);
  for (const record of records) await store.append(record);
}
const bytes = await Deno.readFile(path);
const report = console.log;
let looked = 0;
let bad = 0;
// The command says what it does; here only what it has made counts.
const process = (await import("node:process")).default;
process.stdout.write = (_, done) => (done?.(), true);
const step = Number(Deno.args[1]);
for (let at = Number(Deno.args[2]); at < bytes.length; at += step) {
  for (const bit of [1, 64].slice(0, step === 1 ? 2 : 1)) {
    const damaged = bytes.slice();
    damaged[at] ^= bit;
    await Deno.writeFile(path, damaged);
    await main(["salvage", path, dir + "/out/new.jsonl", "--json"]);
    const found = await Array.fromAsync(MiniStore.replay(dir + "/out/new.jsonl"), ({ data }) => JSON.stringify(data));
    await Deno.remove(dir + "/out", { recursive: true });
    // At most the record of the damaged line, and the next where that was its newline, may be gone; none may be wrong.
    const all = records.map((record) => JSON.stringify(record));
    let next = 0;
    const isInOrder = found.every((text) => (next = all.indexOf(text, next) + 1) > 0);
    const lines = damaged.filter((byte) => byte === 10).length;
    const mayLose = bytes[at] === 10 || damaged[at] === 10 ? 2 : 1;
    looked++;
    if (!isInOrder || found.length < records.length - mayLose) {
      bad++;
      console.error(at, bit, found, lines);
    }
  }
}
report(looked + " " + bad);
process.exitCode = 0;`;

Deno.test("mini salvage loses no record but the damaged one, whichever byte is damaged", async () => {
  await using directory = new TestDirectory();
  const step = size(7, 1);
  // Another sample each time.
  const start = Math.floor(Math.random() * step);
  const args = [directory.path, String(step), String(start)];
  const { stdout, stderr } = await runScript(EVERY_BYTE, args);
  const [looked, bad] = stdout.split(" ").map(Number);
  assert(looked! >= size(50, 700), `${looked} damages: ${stderr}`);
  assertEquals(bad, 0, `from ${start}: ${stderr}`);
});

Deno.test("mini salvage to a disk that is full says that what is there is not all", async () => {
  const mount = await Mount.tmpfs("200k");
  if (typeof mount === "string") return skipped("a full disk", mount);
  await using disk = mount;
  await using directory = new TestDirectory();
  {
    await using store = await MiniStore.open<string>(directory.at());
    const text = "x".repeat(10_000);
    for (let at = 0; at < 40; at++) await store.append(text);
  }
  const rescued = join(disk.path, "rescued.jsonl");
  const { code, json } = await miniJson(["salvage", directory.at(), rescued]);
  assertEquals([code, json.error.code], [1, "NO_SPACE"]);
  const left = `"${rescued}" holds an unfinished copy: remove it`;
  assertStringIncludes(json.error.message, left);
});
