import { assertEquals } from "@std/assert";
import { toFileUrl } from "@std/path";
import { ROOT, runScript } from "../support/child.ts";

const APPLIES = 200;

const SCRIPT = `
import { StateManager } from "@mini/state/state";
import { MemoryFileSystem } from "@mini/state/testing";
import { HoldingFileSystem } from "${
  toFileUrl(`${ROOT}/tests/support/held.ts`)
}";

const disk = new HoldingFileSystem(new MemoryFileSystem());
const options = {
  fs: disk.fs,
  snapshotEvery: "never",
  initial: () => [],
  apply: (state, { text }) => void state.push(text),
};
await using state = await StateManager.open("/data", options);

const sync = disk.hold("sync");
const given = [];
const applied = (() => {
  const mutation = { text: "waits" };
  given.push(new WeakRef(mutation));
  return state.apply(mutation);
})();
await sync.reached;
// A later job: in its own one a WeakRef keeps what it refers to.
await new Promise((resolve) => setTimeout(resolve));
gc();
console.log("kept while it waits:", given[0].deref() !== undefined);
sync.release();
await applied;

const used = () => (gc(), Deno.memoryUsage().heapUsed);
const before = used();
for (let index = 0; index < ${APPLIES}; index++) {
  const text = \`key number \${index} of a text that is long: \`.padEnd(2 ** 20, "x");
  await state.apply({ text: text.slice(0, 30) });
}
console.log("keeps the texts:", used() - before > ${APPLIES / 10} * 2 ** 20);`;

Deno.test("StateManager.apply() keeps neither the mutation while it waits, nor a text of which it is a part", async () => {
  const { stdout, stderr } = await runScript(SCRIPT, [], [
    "-A",
    "--v8-flags=--expose-gc",
  ]);
  assertEquals(
    stdout.split("\n"),
    ["kept while it waits: false", "keeps the texts: false"],
    stderr,
  );
});
