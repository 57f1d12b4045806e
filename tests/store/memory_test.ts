import { assert, assertEquals } from "@std/assert";
import { MiniStore } from "@mini/state/store";
import { runScript } from "../support/child.ts";
import { TestDirectory } from "../support/dir.ts";
import { size } from "../support/size.ts";

const RECORDS = 400_000;

/** Less than a quarter of what the records would take, so that a reader which kept them would die. */
const HEAP_MIB = 20;

const READER = `
import { MiniStore } from "@mini/state/store";
let count = 0;
let sum = 0;
await using store = await MiniStore.open(Deno.args[0]);
for await (const { seq, data } of store.replay()) {
  count++;
  if (data.value === seq) sum++;
}
console.log(count, sum);`;

const WAKE_UPS = 20_000;

/** A follower that leaves anything behind at every wake-up leaves several times that. */
const LEFT_MIB = 1;

const FOLLOWER = `
import { MiniStore } from "@mini/state/store";
await using store = await MiniStore.open(Deno.args[0], { durable: false });
const records = store.follow()[Symbol.asyncIterator]();
const used = () => (gc(), Deno.memoryUsage().heapUsed);
let before;
for (let value = 1; value <= ${WAKE_UPS}; value++) {
  const next = records.next();
  await store.append(value);
  await next;
  if (value === 1_000) before = used();
}
console.log(used() - before < ${LEFT_MIB} * 1024 * 1024, used() - before);`;

Deno.test(`MiniStore.follow() keeps less than ${LEFT_MIB} MiB after ${WAKE_UPS} wake-ups`, async () => {
  await using directory = new TestDirectory();
  const flags = ["-A", "--v8-flags=--expose-gc"];
  const { stdout, stderr } = await runScript(
    FOLLOWER,
    [directory.at()],
    flags,
  );
  assert(stdout.startsWith("true "), stdout + stderr);
});

const FOLLOWED_MIB = size(16, 1_024);

const FOLLOWER_OUTSIDE = `
import { MiniStore } from "@mini/state/store";
const used = () => (gc(), Deno.memoryUsage().heapUsed);
let before;
for await (const { seq, data } of MiniStore.follow(Deno.args[0])) {
  if (seq === 1_000) before = used();
  if (data === "last") break;
}
const more = used() - before;
console.log(more < ${LEFT_MIB} * 1024 * 1024, more);`;

Deno.test(`a follower in another process keeps less than ${LEFT_MIB} MiB of ${FOLLOWED_MIB} MiB that it follows`, async () => {
  await using directory = new TestDirectory();
  await using store = await MiniStore.open<string>(directory.at(), {
    durable: false,
  });
  const flags = ["-A", "--v8-flags=--expose-gc"];
  await store.append("first");
  const followed = runScript(FOLLOWER_OUTSIDE, [directory.at()], flags);
  const line = "x".repeat(4_096);
  for (let written = 0; written < FOLLOWED_MIB; written++) {
    const batch = Array.from({ length: 256 }, () => store.append(line));
    await Promise.all(batch);
  }
  await store.append("last");
  const { stdout, stderr } = await followed;
  assert(stdout.startsWith("true "), stdout + stderr);
});

Deno.test(`MiniStore opens and replays ${RECORDS} records with a heap of ${HEAP_MIB} MiB`, async () => {
  await using directory = new TestDirectory();
  {
    await using store = await MiniStore.open(directory.at(), {
      durable: false,
    });
    for (let first = 1; first <= RECORDS; first += 1_000) {
      const batch = Array.from({ length: 1_000 }, (_, index) => ({
        type: "set",
        key: `component-${first + index}`,
        value: first + index,
      }));
      await Promise.all(batch.map((record) => store.append(record)));
    }
  }
  const flags = ["-A", `--v8-flags=--max-old-space-size=${HEAP_MIB}`];
  const { stdout, stderr } = await runScript(READER, [directory.at()], flags);
  assertEquals(stdout, `${RECORDS} ${RECORDS}`, stderr);
});
