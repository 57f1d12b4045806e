import { assertEquals } from "@std/assert";
import { MiniStore } from "@mini/state/store";
import { runScript } from "../support/child.ts";
import { TestDirectory } from "../support/dir.ts";

const RECORDS = 1_000_000;

/** Less than a tenth of what the records would take, so that a reader which kept them would die. */
const HEAP_MIB = 32;

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

Deno.test(`MiniStore opens and replays ${RECORDS} records with a heap of ${HEAP_MIB} MiB`, async () => {
  await using directory = new TestDirectory();
  {
    await using store = await MiniStore.open(directory.at(), { sync: "never" });
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
