// Damage to what others than the writer read: the position of a consumer, the files of a view.
import { StateManager, StateView } from "@mini/state/state";
import { MiniError, MiniStore } from "@mini/state/store";
import { MemoryFileSystem, randomSeed } from "@mini/state/testing";
import { assert, assertEquals } from "@std/assert";
import { say } from "../support/report.ts";
import { size } from "../support/size.ts";

const PATH = "/data/journal.jsonl";

/** Each bit flipped, each cut, and NULs from each byte, or one in `oneIn` of them. */
function* damagesOf(
  bytes: Uint8Array<ArrayBuffer>,
  oneIn = 1,
): Generator<[what: string, damaged: Uint8Array<ArrayBuffer>]> {
  const seed = Math.abs(Number(Deno.env.get("SEED") ?? randomSeed()));
  for (let bit = seed % oneIn; bit < bytes.length * 8; bit += oneIn) {
    const damaged = bytes.slice();
    damaged[bit >> 3]! ^= 1 << (bit & 7);
    yield [`bit ${bit}`, damaged];
  }
  for (let at = seed % oneIn; at < bytes.length; at += oneIn) {
    yield [`cut at ${at}`, bytes.slice(0, at)];
    yield [`NULs from ${at}`, bytes.slice().fill(0, at)];
  }
}

/** Continues with a consumer; gives the number of the next record, or the code of the error. */
async function nextRecord(fs: MemoryFileSystem): Promise<number | string> {
  try {
    await using store = await MiniStore.open<string>(PATH, { fs });
    await using consumer = await store.consumer("reader");
    for await (const { seq } of consumer.follow()) return seq;
  } catch (error) {
    if (error instanceof MiniError) return error.code;
    throw error;
  }
  return "none";
}

Deno.test("no damage to the position of a consumer has it pass over a record, or take any other for its place", async () => {
  const fs = new MemoryFileSystem();
  const store = await MiniStore.open<string>(PATH, { fs });
  for (const item of ["a", "b", "c", "d", "e", "f", "g"]) {
    await store.append(item);
    if (item === "c") await store.rotate();
  }
  const consumer = await store.consumer("reader");
  for await (const { seq } of consumer.follow()) {
    if (seq === 5) break;
  }
  await consumer.commit(5);
  await consumer.close();
  await store.close();
  const position = `${PATH}.consumer.reader`;
  const disk = fs.snapshot();
  const counts = { whole: 0, refused: 0 };
  for (const [what, damaged] of damagesOf(fs.content(position)!)) {
    const left = new MemoryFileSystem(disk);
    left.put(position, damaged);
    const found = await nextRecord(left);
    if (found === 6) counts.whole++;
    else {
      const isRefused = found === "CORRUPT" || found === "UNSUPPORTED_FORMAT";
      assert(isRefused, `${what}: ${found}`);
      assertEquals(left.content(position), damaged, `${what}: touched`);
      counts.refused++;
    }
  }
  const { whole, refused } = counts;
  say(
    `the position of a consumer: ${whole + refused} verdicts, ` +
      `${refused} refused, ${whole} without loss`,
  );
  assert(refused > whole);
});

const ITEMS = [1, 2, 3, 4, 5, 6];
const COLLECTED = {
  maxSegmentBytes: 250,
  initial: () => [] as number[],
  apply: (items: number[], item: number) => void items.push(item),
};

/** The items that a view, or a manager, shows of a folder, or the code of the error. */
async function shownIn(
  fs: MemoryFileSystem,
  open: typeof StateView.open | typeof StateManager.open,
): Promise<readonly number[] | string> {
  try {
    const { initial, apply } = COLLECTED;
    await using opened = await open("/data", { initial, apply, fs });
    return opened.state as readonly number[];
  } catch (error) {
    if (error instanceof MiniError) return error.code;
    throw error;
  }
}

Deno.test("a view of damaged files shows what opening finds, or a beginning where that is refused", async () => {
  const fs = new MemoryFileSystem();
  const manager = await StateManager.open("/data", { ...COLLECTED, fs });
  for (const item of ITEMS) {
    await manager.apply(item);
    if (item === 3) await manager.compact();
  }
  const disk = fs.snapshot();
  const counts = { shown: 0, refused: 0 };
  for (const name of fs.names("/data")) {
    if (name.endsWith(".lock")) continue;
    const path = `/data/${name}`;
    for (const [what, damaged] of damagesOf(fs.content(path)!, size(16, 1))) {
      const left = new MemoryFileSystem(disk);
      left.restart();
      left.put(path, damaged);
      const seen = await shownIn(left, StateView.open);
      const found = await shownIn(left, StateManager.open);
      // The last line may still be being written, for who only reads.
      const label = `${name}: ${what}: ${seen}, and ${found}`;
      if (typeof found === "string") counts.refused++;
      else assert(found.length - seen.length <= 1, label);
      if (typeof seen === "string") {
        assertEquals(typeof found, "string", label);
        continue;
      }
      const whole = typeof found === "string" ? ITEMS : found;
      assertEquals(seen, whole.slice(0, seen.length), label);
      counts.shown++;
    }
  }
  const { shown, refused } = counts;
  say(
    `${shown} views of damaged files show a beginning, ` +
      `${refused} verdicts that refuse`,
  );
  assert(shown > 0 && refused > 0);
});
