import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { join, toFileUrl } from "@std/path";
import { MiniStore } from "@mini/state/store";
import { TextLineStream } from "@std/streams/text-line-stream";
import { ROOT } from "../support/child.ts";
import { openCounter } from "../support/counter.ts";
import { TestDirectory } from "../support/dir.ts";
import { linesOf, mini, miniCommand, miniJson } from "../support/mini.ts";
import { say } from "../support/report.ts";
import { size } from "../support/size.ts";

/** Applies, rotates and compacts until it is killed. */
const WRITER = `
import { openCounter } from "./tests/support/counter.ts";
const counter = await openCounter(Deno.args[0], { maxSegmentBytes: 20_000 });
for (let turn = 1;; turn++) {
  const together = Array.from({ length: 20 }, () => counter.apply({ by: 1 }));
  await Promise.all(together);
  // Not faster than a reader, whatever the disk.
  await new Promise((resolve) => setTimeout(resolve, 1));
  if (turn % 200 === 0) await counter.compact();
  // From the second snapshot on compaction leaves what lies behind the one before.
  if (turn === 2 * 200) console.log("ready");
}`;

/** The same, in a hurry. */
const HASTY_WRITER = WRITER.replaceAll("200", "50");

/** The same, but what it compacts away has been there for long. */
const PATIENT_WRITER = `
import { MiniStore } from "@mini/state/store";
const store = await MiniStore.open(Deno.args[0] + "/journal.jsonl", { maxSegmentBytes: 20_000 });
for (let turn = 1;; turn++) {
  await Promise.all(Array.from({ length: 20 }, (_, at) => store.append(at)));
  if (turn === 1) console.log("ready");
  if (turn % 50 === 0) await store.compact(Math.max(0, store.sequence - 20_000));
  // Not faster than a reader on a busy machine.
  if (turn % 3 === 0) await new Promise((resolve) => setTimeout(resolve, 1));
}`;

Deno.test("mini backup beside a writer that rotates and compacts opens to a state that was, every time", async () => {
  await using directory = new TestDirectory();
  await using _ = await startWriter(directory.at("live"), HASTY_WRITER);
  const turns = size(4, 30);
  let last = 0;
  for (let turn = 1; turn <= turns; turn++) {
    const dir = directory.at(`copy-${turn}`);
    const { code, json } = await miniJson([
      "backup",
      directory.at("live"),
      dir,
    ]);
    assertEquals([code, json.leftOut], [0, []], JSON.stringify(json));
    await using counter = await openCounter(dir);
    // Each mutation adds one, so the state says itself how far it is.
    assertEquals(counter.state.value, counter.sequence);
    assertEquals(counter.sequence, json.last);
    assert(counter.sequence > last, `${counter.sequence} after ${last}`);
    last = counter.sequence;
  }
  say(`${turns} backups beside a writer, up to record ${last}: 0 violations`);
});

Deno.test("mini verify, stat and state beside a writer find nothing amiss", async () => {
  await using directory = new TestDirectory();
  const live = directory.at("live");
  await using _ = await startWriter(live);
  const turns = size(2, 10);
  for (let turn = 1; turn <= turns; turn++) {
    const verify = await miniJson(["verify", live]);
    assertEquals([verify.code, verify.json.findings], [0, []]);
    assertEquals((await miniJson(["stat", live])).code, 0);
    const state = await mini(["state", live]);
    assertEquals([state.code, state.stderr], [0, ""]);
    const [start, ...mutations] = linesOf(state.stdout) as [
      { snapshot: number; state: { value: number } },
    ];
    assertEquals(start.state?.value ?? 0, start.snapshot);
    const ends = mutations.map((mutation) => (mutation as { seq: number }).seq);
    assertEquals(ends, ends.map((_, at) => start.snapshot + 1 + at));
  }
  say(`${turns} times looked at beside a writer: 0 violations`);
});

Deno.test("mini tail -f follows a writer through rotations and compactions without a gap", async () => {
  await using directory = new TestDirectory();
  const live = directory.at("live");
  await using _ = await startWriter(live, PATIENT_WRITER);
  const child = new Deno.Command(Deno.execPath(), {
    args: miniCommand(["tail", "-f", "-n", "1", "--json", live]),
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  const lines = child.stdout.pipeThrough(new TextDecoderStream())
    .pipeThrough(new TextLineStream());
  const segments = new Set<string>();
  let last = 0;
  let seen = 0;
  for await (const line of lines) {
    const { seq, data, error } = JSON.parse(String(line));
    assertEquals(error, undefined);
    if (last > 0) assertEquals(seq, last + 1);
    assertEquals(data, (seq - 1) % 20);
    last = seq;
    // Some rotations long.
    if (++seen % 1_000 === 0) {
      for (const name of namesOf(live)) segments.add(name);
    }
    if (seen === 20_000) break;
  }
  child.kill();
  await child.status;
  assert(segments.size > 3, [...segments].join());
});

for (
  const [records, told] of [
    [2, "the log now ends with record 2"],
    [14, "other records stand in the log from record 1 on"],
  ] as const
) {
  Deno.test(`mini tail -f says that ${told}, and continues with what is there`, async () => {
    await using directory = new TestDirectory();
    const [path, other] = [directory.at(), directory.at("other.jsonl")];
    for (const [log, count] of [[path, 12], [other, records]] as const) {
      await using store = await MiniStore.open<string>(log);
      for (let at = 1; at <= count; at++) await store.append(log);
    }
    await using child = new Deno.Command(Deno.execPath(), {
      args: miniCommand(["tail", "-f", "-n", "1", "--json", path]),
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    const [lines, complaints] = [child.stdout, child.stderr].map((stream) =>
      stream.pipeThrough(new TextDecoderStream())
        .pipeThrough(new TextLineStream()).getReader()
    );
    const next = async () => JSON.parse(String((await lines!.read()).value));
    assertEquals((await next()).seq, 12);
    await Deno.rename(other, path);
    for (let seq = 1; seq <= records; seq++) {
      assertEquals(await next(), { seq, data: other });
    }
    const { value } = await complaints!.read();
    assertStringIncludes(String(value), told);
    child.kill();
    await Promise.all([lines!.cancel(), complaints!.cancel()]);
  });
}

function namesOf(dir: string): string[] {
  return [...Deno.readDirSync(dir)].map(({ name }) => name)
    .filter((name) => /\.\d{20}\.jsonl$/.test(name));
}

/** Starts a writer, which ends with the test. */
async function startWriter(
  dir: string,
  script = WRITER,
): Promise<AsyncDisposable> {
  const file = await Deno.makeTempFile({ suffix: ".ts" });
  const source = toFileUrl(join(ROOT, "tests/support/counter.ts")).href;
  await Deno.writeTextFile(
    file,
    script.replace("./tests/support/counter.ts", source),
  );
  const child = new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "-A",
      "--config",
      join(ROOT, "deno.json"),
      file,
      dir,
    ],
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  const reader = child.stdout.getReader();
  await reader.read();
  return {
    async [Symbol.asyncDispose]() {
      child.kill("SIGKILL");
      await child.status;
      await reader.cancel();
      await Deno.remove(file);
    },
  };
}
