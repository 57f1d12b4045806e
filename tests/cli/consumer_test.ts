import { assertEquals, assertStringIncludes } from "@std/assert";
import { MiniStore } from "@mini/state/store";
import { openCounter } from "../support/counter.ts";
import { TestDirectory } from "../support/dir.ts";
import { openAndRead } from "../support/journal.ts";
import { mini, miniJson } from "../support/mini.ts";
import { threeSegments } from "../support/records.ts";

/** A log of nine records with consumers at 9, at 4, and at a position that is damaged. */
async function withConsumers(path: string): Promise<void> {
  await using store = await threeSegments(path);
  for (
    const [name, seq] of [["audit", 9], ["upload", 4], ["bad", 0]] as const
  ) {
    await using consumer = await store.consumer(name);
    await consumer.reset(seq);
  }
  await Deno.writeTextFile(`${path}.consumer.bad`, '{"crc":"');
}

Deno.test("mini consumer list shows each consumer, and how far it is", async () => {
  await using directory = new TestDirectory();
  const path = directory.at();
  await withConsumers(path);
  const { code, stdout } = await mini(["consumer", "list", directory.path]);
  const lines = stdout.trimEnd().split("\n");
  assertEquals(code, 1);
  assertEquals(lines[0], "audit   at record 9       up to date");
  assertEquals(lines[1]?.trimEnd(), "bad     position unknown");
  assertStringIncludes(lines[2]!, "the file is damaged");
  assertEquals(lines[3], "upload  at record 4       5 records to come");
  const { json } = await miniJson(["consumer", "list", path]);
  const [audit, bad, upload] = json.consumers;
  assertEquals(audit, { name: "audit", position: 9, lag: 0 });
  assertEquals(upload, { name: "upload", position: 4, lag: 5 });
  assertEquals([bad.position, bad.lag], [0, 9]);
  assertStringIncludes(bad.problem, "reset(seq) of the consumer");
});

Deno.test("mini consumer remove forgets one that is not open", async () => {
  await using directory = new TestDirectory();
  const path = directory.at();
  await withConsumers(path);
  await Deno.remove(`${path}.consumer.bad`);
  {
    await using _ = await MiniStore.consumer(path, "upload");
    const { code, stdout, stderr } = await mini(
      ["consumer", "remove", path, "upload"],
    );
    assertEquals([code, stdout], [1, ""]);
    assertStringIncludes(stderr, 'Cannot remove consumer "upload"');
    assertStringIncludes(stderr, "this process has it open");
  }
  const removed = await mini(["consumer", "remove", path, "upload"]);
  assertEquals([removed.code, removed.stdout], [
    0,
    'removed consumer "upload"\n',
  ]);
  const again = await miniJson(["consumer", "remove", path, "upload"]);
  assertEquals([again.code, again.json], [1, { removed: false }]);
  const left = await miniJson(["consumer", "list", path]);
  assertEquals(left.json.consumers.length, 1);
  const before = directory.names();
  for (const name of ["../journal", "audit.lock", ""]) {
    const { code } = await mini(["consumer", "remove", path, name]);
    assertEquals(code, 2, name);
  }
  assertEquals(directory.names(), before);
});

Deno.test("mini consumer list of a log without any says so", async () => {
  await using directory = new TestDirectory();
  await (await threeSegments(directory.at())).close();
  const { code, stdout } = await mini(["consumer", "list", directory.path]);
  assertEquals([code, stdout], [0, "no consumers\n"]);
});

Deno.test("mini verify reports a position that is damaged", async () => {
  await using directory = new TestDirectory();
  await withConsumers(directory.at());
  const { code, json } = await miniJson(["verify", directory.path]);
  const [finding, ...others] = json.findings;
  assertEquals([code, others], [1, []]);
  assertEquals([finding.code, finding.blocksOpen], ["CORRUPT", false]);
  assertEquals(finding.path, `${directory.at()}.consumer.bad`);
  assertEquals(finding.remedy, "reset-consumer");
  const { stdout } = await mini(["verify", directory.path]);
  assertStringIncludes(
    stdout,
    `\nnext: reset() of consumer "bad", in its program, sets a new position; mini consumer remove ${directory.at()} bad forgets it\n`,
  );
});

Deno.test("mini stat shows the consumers", async () => {
  await using directory = new TestDirectory();
  await withConsumers(directory.at());
  const { stdout } = await mini(["stat", directory.path]);
  assertStringIncludes(stdout, "\nconsumers\naudit ");
  assertStringIncludes(stdout, "5 records to come\n");
  const { code, json } = await miniJson(["stat", directory.path]);
  assertEquals([code, json.consumers.length], [0, 3]);
  assertEquals(json.setAside, []);
});

Deno.test("mini backup and mini salvage copy no position, and say so", async () => {
  await using directory = new TestDirectory();
  const from = directory.at("log");
  await Deno.mkdir(from);
  await withConsumers(`${from}/journal.jsonl`);
  for (const command of ["backup", "salvage"]) {
    const to = directory.at(command);
    const target = command === "backup" ? to : `${to}.jsonl`;
    const { code, stdout } = await mini([command, from, target]);
    assertEquals(code, 0);
    assertStringIncludes(
      stdout,
      "left out: the positions of 3 consumers (audit, bad, upload), which begin again in a copy\n",
    );
    const again = `${to}-again${command === "backup" ? "" : ".jsonl"}`;
    const { json } = await miniJson([command, from, again]);
    assertEquals(json.consumers, ["audit", "bad", "upload"]);
  }
  for await (const { name } of Deno.readDir(directory.at("backup"))) {
    assertEquals(name.includes("consumer"), false, name);
  }
  const copy = await openAndRead(directory.at("backup/journal.jsonl"));
  assertEquals(copy, await openAndRead(`${from}/journal.jsonl`));
});

Deno.test("consumers of the log of a state are no state, and no segment", async () => {
  await using directory = new TestDirectory();
  {
    await using counter = await openCounter(directory.path);
    await counter.apply({ by: 1 });
    await counter.apply({ by: 2 });
    await using consumer = await MiniStore.consumer(
      directory.at(),
      "00000000000000000001",
    );
    for await (const { seq } of consumer.follow()) {
      await consumer.commit(seq);
      break;
    }
    assertEquals((await counter.compact()).heldBy?.position, 1);
  }
  await using counter = await openCounter(directory.path);
  assertEquals(counter.state.value, 3);
  const { code, json } = await miniJson(["verify", directory.path]);
  assertEquals([code, json.findings, json.setAside], [0, [], []]);
  const { stdout } = await mini(["dump", directory.path]);
  assertStringIncludes(stdout, '"by":2');
});
