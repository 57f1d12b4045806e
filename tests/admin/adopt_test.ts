import { assert, assertEquals, assertRejects } from "@std/assert";
import { type AdminProgress, adopt } from "@mini/state/admin";
import { MemoryFileSystem } from "@mini/state/testing";
import {
  type Left,
  onFullDisk,
  stoppedEverywhere,
} from "../support/interrupted.ts";
import { errorOf, openAndRead } from "../support/journal.ts";

const FILE = "/in/app.log";
const TO = "/data/journal.jsonl";

function holding(text: string): MemoryFileSystem {
  const fs = new MemoryFileSystem();
  fs.put(FILE, new TextEncoder().encode(text));
  fs.put("/in/other", new TextEncoder().encode("4\n"));
  return fs;
}

/** An adoption that did not end has left nothing that opens, and the same call makes it. */
async function assertAgain({ fs, isDone }: Left, text: string): Promise<void> {
  assertEquals(new TextDecoder().decode(fs.content(FILE)), text);
  const copy = new MemoryFileSystem(fs.snapshot());
  const left = await openAndRead(TO, { fs: copy });
  if (isDone && "data" in left) return assertEquals(left.data, [1, 2, 3]);
  const isNothing = "code" in left
    ? left.code === "UNSUPPORTED_FORMAT"
    : left.outcome === "created";
  assert(isNothing, JSON.stringify(left));
  await adopt(FILE, TO, { fs });
  const data = [1, 2, 3];
  assertEquals(await openAndRead(TO, { fs }), { data, outcome: "clean" });
}

Deno.test("adopt() reports what became records and what was left out, and tells how far it is", async () => {
  const fs = holding('{"a":1}\n{"a":2\n\0\0[3]\n');
  const seen: AdminProgress[] = [];
  const report = await adopt(FILE, TO, {
    fs,
    onProgress: (step) => seen.push(step),
  });
  assertEquals(JSON.parse(JSON.stringify(report)), report);
  const { lost, ...counts } = report;
  assertEquals(counts, {
    from: FILE,
    to: TO,
    adopted: true,
    changed: false,
    records: 2,
    sizeBytes: 21,
    losses: 2,
    lostBytes: 8,
  });
  assertEquals(lost.map(({ line, after }) => [line, after]), [[2, 1], [3, 1]]);
  assertEquals([...new Set(seen.map(({ doing }) => doing))], [
    "reading",
    "adopting",
    "reading it back",
  ]);
  assertEquals(seen.find(({ doing }) => doing === "adopting"), {
    doing: "adopting",
    doneBytes: 21,
    totalBytes: 21,
  });
});

Deno.test("adopt() writes nothing with dryRun, and refuses what is missing, there or wrong", async () => {
  const fs = holding("1\n2\n");
  const { adopted, records } = await adopt(FILE, TO, { fs, dryRun: true });
  assertEquals([adopted, records, fs.names("/data")], [false, 2, []]);
  assertEquals((await errorOf(adopt("/none", TO, { fs }))).code, "NOT_FOUND");
  await adopt(FILE, TO, { fs });
  await assertRejects(
    () => adopt(FILE, TO, { fs }),
    TypeError,
    "already exists",
  );
  await assertRejects(
    () => adopt(TO, "/data/new.jsonl", { fs }),
    TypeError,
    "is a journal already, or a segment of one: verify() checks it",
  );
  const wrong = { fs, journal: "x.jsonl" };
  await assertRejects(() => adopt(FILE, "/x.jsonl", wrong), TypeError);
});

Deno.test("adopt() tells that a file was written meanwhile, and makes way for one who makes the same journal", async () => {
  const fs = holding("1\n2\n");
  const calls: Promise<unknown>[] = [];
  const { changed } = await adopt(FILE, TO, {
    fs,
    onProgress({ doing }) {
      if (doing !== "adopting" || calls.length > 0) return;
      calls.push(errorOf(adopt("/in/other", TO, { fs })));
      fs.put(FILE, new TextEncoder().encode("1\n2\n3\n"));
    },
  });
  assertEquals(changed, true);
  const [other] = await Promise.all(calls);
  assertEquals((other as { code: string }).code, "LOCKED");
});

Deno.test("adopt() stopped at any step leaves nothing that opens, and can be called again", async () => {
  const text = "1\n2\n3\n";
  const task = (fs: MemoryFileSystem, signal: AbortSignal) =>
    adopt(FILE, TO, { fs, signal });
  const disk = holding(text).snapshot();
  for await (const left of stoppedEverywhere(disk, task)) {
    await assertAgain(left, text);
  }
  const signal = AbortSignal.abort("no");
  const fs = holding(text);
  const stopped = await adopt(FILE, TO, { fs, signal }).catch((error) => error);
  assertEquals([stopped, fs.names("/data")], ["no", []]);
});

Deno.test("adopt() on a full disk fails with NO_SPACE, leaves nothing that opens, and can be called again", async () => {
  const text = "1\n2\n3\n";
  const task = (fs: MemoryFileSystem) => adopt(FILE, TO, { fs });
  for await (const left of onFullDisk(holding(text).snapshot(), task)) {
    await assertAgain(left, text);
  }
});
