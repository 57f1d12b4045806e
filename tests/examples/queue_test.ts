import { assert, assertEquals } from "@std/assert";
import { join } from "@std/path";
import { MiniStore } from "@mini/state/store";
import { Random, randomSeed } from "@mini/state/testing";
import { ROOT } from "../support/child.ts";
import { TestDirectory } from "../support/dir.ts";
import { killExample, runExample } from "../support/examples.ts";
import { say } from "../support/report.ts";
import { size } from "../support/size.ts";

const seed = Number(Deno.env.get("SEED") ?? randomSeed());

Deno.test("examples/job_worker.ts does its jobs, and says which are dead", async () => {
  await using directory = new TestDirectory();
  const jobs = directory.at("jobs");
  const license = join(ROOT, "LICENSE-MIT");
  const folder = directory.path;
  const permissions = ["--allow-read", `--allow-write=${jobs}`];
  const run = (...args: string[]) =>
    runExample("job_worker.ts", permissions, [jobs, ...args]);
  const added = await run("add", license, license, folder);
  assertEquals(added.split("\n").length, 3);
  assert(added.includes("already there"), added);
  const worked = await run("work");
  assert(/job 1: [0-9a-f]{64} {2}/.test(worked), worked);
  assert(/job \d is dead: .*cannot be read/.test(worked), worked);
});

Deno.test("examples/outbox.ts loses and invents no message, killed again and again", async () => {
  await using directory = new TestDirectory();
  const shop = directory.at("shop");
  const permissions = [`--allow-read=${shop}`, `--allow-write=${shop}`];
  const random = new Random(seed);
  const orders = size(200, 2_000);
  const args = [shop, String(orders)];
  let kills = 0;
  for (; kills < size(6, 60); kills++) {
    await killExample("outbox.ts", permissions, args, 1 + random.below(60));
  }
  const ended = await runExample("outbox.ts", permissions, args);
  assert(ended.includes(`${orders} orders`), ended);
  const mails = new Map<number, string>();
  const records = MiniStore.replay<{ order: number; text: string }>(
    join(shop, "sent.jsonl"),
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
