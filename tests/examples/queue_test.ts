import { assert, assertEquals } from "@std/assert";
import { join } from "@std/path";
import { MiniStore } from "@mini/state/store";
import { Random, randomSeed } from "@mini/state/testing";
import { ROOT } from "../support/child.ts";
import { TestDirectory } from "../support/dir.ts";
import { Example } from "../support/program.ts";
import { say } from "../support/report.ts";
import { size } from "../support/size.ts";

const seed = Number(Deno.env.get("SEED") ?? randomSeed());

Deno.test("examples/job_worker.ts does its jobs, and says which are dead", async () => {
  await using directory = new TestDirectory();
  const example = new Example("job_worker.ts", directory.path);
  const run = async (...args: string[]) => {
    const { code, stdout, stderr } = await example.run(["./jobs", ...args]);
    assertEquals([code, stderr], [0, ""]);
    return stdout;
  };
  const license = join(ROOT, "LICENSE-MIT");
  const added = await run("add", license, license, directory.path);
  assertEquals(added.split("\n").length, 3);
  assert(added.includes("already there"), added);
  const worked = await run("work");
  assert(/job 1: [0-9a-f]{64} {2}/.test(worked), worked);
  assert(/job \d is dead: .*cannot be read/.test(worked), worked);
});

Deno.test("examples/outbox.ts loses and invents no message, killed again and again", async () => {
  await using directory = new TestDirectory();
  const example = new Example("outbox.ts", directory.path);
  const random = new Random(seed);
  const orders = size(200, 2_000);
  const args = ["./shop", String(orders)];
  let kills = 0;
  for (; kills < size(3, 60); kills++) {
    const outbox = example.start(args);
    let lines = 1 + random.below(60);
    while (lines > 0 && await outbox.lineOrEnd() !== undefined) lines--;
    await outbox.kill();
  }
  const ended = await example.run(args);
  assertEquals([ended.code, ended.stderr], [0, ""]);
  assert(ended.stdout.includes(`${orders} orders`), ended.stdout);
  const mails = new Map<number, string>();
  const records = MiniStore.replay<{ order: number; text: string }>(
    directory.at("shop/sent.jsonl"),
  );
  let sent = 0;
  for await (const { data: { order, text } } of records) {
    assertEquals(mails.get(order) ?? text, text);
    mails.set(order, text);
    sent++;
  }
  say(
    `seed ${seed}: ${kills} kills of the outbox, ${orders} orders, ${sent} mails, ` +
      `${sent - mails.size} of them twice, 0 violations`,
  );
  assertEquals(mails.size, orders);
  assertEquals(new Set(mails.values()).size, orders);
});
