import { assertEquals } from "@std/assert";
import { runScript } from "../support/child.ts";

const MESSAGES = 100;

const SCRIPT = `
import { MiniQueue } from "@mini/state/queue";
import { MemoryFileSystem } from "@mini/state/testing";

const options = { fs: new MemoryFileSystem(), keepFinished: { count: ${MESSAGES} } };
await using queue = await MiniQueue.open("/data", options);
const part = (index) => \`part \${index} of a text that is long\`.padEnd(2 ** 20, "x").slice(0, 30);
const used = () => (gc(), Deno.memoryUsage().heapUsed);

const before = used();
for (let index = 0; index < ${MESSAGES}; index++) await queue.enqueue(part(index));
console.log("keeps the texts of payloads:", used() - before > ${MESSAGES} * 2 ** 19);
for (let index = 0; index < ${MESSAGES}; index++) {
  await (await queue.receive()).ack(part(index));
}
console.log("keeps the texts of results:", used() - before > ${MESSAGES} * 2 ** 19);`;

Deno.test("MiniQueue keeps no text of which a payload or a result is a part", async () => {
  const flags = ["-A", "--v8-flags=--expose-gc"];
  const { stdout, stderr } = await runScript(SCRIPT, [], flags);
  assertEquals(
    stdout.split("\n"),
    ["keeps the texts of payloads: false", "keeps the texts of results: false"],
    stderr,
  );
});
