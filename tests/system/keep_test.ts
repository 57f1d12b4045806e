// See "Rotation" in docs/DURABILITY.md.
import { assert, assertEquals } from "@std/assert";
import { MiniStore } from "@mini/state/store";
import { Random, randomSeed } from "@mini/state/testing";
import { say } from "../support/report.ts";
import { size } from "../support/size.ts";
import { Mount, skipped } from "../support/system.ts";

/** Set SEED to run the same again. */
const seed = Number(Deno.env.get("SEED") ?? randomSeed());
const KIB = 1024;
const DISK_MIB = size(4, 64);
const DISK_BYTES = DISK_MIB * KIB * KIB;
const RECORD_BYTES = DISK_BYTES / 128;
const OPTIONS = {
  // With the two segments that come on top, and the copy of an unclean end.
  keep: { bytes: DISK_BYTES / 2 },
  maxSegmentBytes: DISK_BYTES / 16,
  timestamps: true,
};

Deno.test("a log with keep, on a disk that is little larger, never meets a full disk", async () => {
  const mount = await Mount.tmpfs(`${DISK_MIB}m`);
  if (typeof mount === "string") {
    return skipped("a long load with keep on a small disk", mount);
  }
  await using _mount = mount;
  const path = mount.at("log/journal.jsonl");
  const open = () => MiniStore.open<string>(path, OPTIONS);
  const random = new Random(seed);
  let written = 0;
  let opened = 0;
  let before = { sequence: 0, firstSequence: 1 };
  while (written < size(3, 40) * DISK_BYTES) {
    const store = await open();
    opened++;
    const { sequence, firstSequence } = store;
    assertEquals({ sequence, firstSequence }, before, `seed ${seed}`);
    for (let commits = random.below(80); commits > 0; commits--) {
      written += await load(store, random);
    }
    await store.close();
    assertEquals(store.keepFailure ?? store.rotationFailure, undefined);
    before = { sequence: store.sequence, firstSequence: store.firstSequence };
    if (random.below(2) === 0) await cutMarks(path);
  }
  await using store = await open();
  const kept = await Array.fromAsync(store.replay(), ({ data }) => data.length);
  const bytes = kept.reduce((sum, length) => sum + length);
  say(
    `seed ${seed}: ${written / KIB | 0} KiB written to a disk of ${DISK_MIB} ` +
      `MiB, opened ${opened} times, ${bytes / KIB | 0} KiB kept`,
  );
  assert(store.firstSequence > 1);
  const frames = kept.length * 128;
  assert(bytes + frames >= OPTIONS.keep.bytes, `seed ${seed}: ${bytes} bytes`);
});

/** Appends a few records together; resolves to how many bytes they have. */
async function load(
  store: MiniStore<string>,
  random: Random,
): Promise<number> {
  const texts = Array.from(
    { length: 1 + random.below(6) },
    () => "x".repeat(random.below(RECORD_BYTES)),
  );
  if (random.below(3) === 0) await store.appendBatch(texts);
  else await Promise.all(texts.map((text) => store.append(text)));
  return texts.join("").length;
}

/** Takes the marks of a clean end away, so that opening copies the segment. */
async function cutMarks(path: string): Promise<void> {
  const text = await Deno.readTextFile(path);
  await Deno.writeTextFile(
    path,
    text.replace(/(\{"crc":"\w+","close":\d+\}\n)+$/, ""),
  );
}
