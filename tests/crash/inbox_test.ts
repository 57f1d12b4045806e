import { assert, assertEquals } from "@std/assert";
import { MiniQueue } from "@mini/state/queue";
import {
  crashStates,
  explore,
  Random,
  randomSeed,
  sweepFaults,
} from "@mini/state/testing";
import { TestDirectory } from "../support/dir.ts";
import { TestInbox } from "../support/inbox.ts";
import { INBOX_WORKLOAD } from "../support/inbox_workload.ts";
import { runAndKill } from "../support/kill.ts";
import { report, say } from "../support/report.ts";
import { sampled, sampledCalls, size } from "../support/size.ts";

const ROUNDS = size(5, 60);
const seed = Number(Deno.env.get("SEED") ?? randomSeed());

Deno.test("MiniQueue: what was posted is in the ledger once, after a power cut at every call of either side", async () => {
  const found = await explore(INBOX_WORKLOAD, {
    crashRecoveryOneIn: size(5_000, 50),
    cuts: size("none", "edges"),
    samples: 1,
    maxRecoveries: size(600, Infinity),
    ...sampled(20),
  });
  report("power cuts of inboxes", [found]);
  assertEquals(found.violations.slice(0, 3), []);
  assert(found.states > 30);
});

Deno.test("MiniQueue: what was posted is in the ledger once, whatever call of either side fails", async () => {
  const faults = [{ code: "ENOSPC", keepBytes: 40 }, { code: "EIO" }];
  const found = await sweepFaults(INBOX_WORKLOAD, {
    faults,
    cuts: "none",
    crashRecoveryOneIn: size(5_000, 500),
    ...sampledCalls(24, 40),
  });
  report("failing calls of inboxes", [found]);
  assertEquals(found.violations.slice(0, 3), []);
  assert(found.states > 20);
});

Deno.test("MiniQueue: what was taken in and acknowledged does not come back after a power cut at any call", async () => {
  const test = new TestInbox();
  const queue = await test.open();
  await test.post("a");
  const moments: ReturnType<typeof test.fs.snapshot>[] = [];
  const acknowledge = async () => await (await queue.receive())!.ack();
  await acknowledge();
  // Nothing of the removal is durable, until it is on record that it is.
  test.fs.hooks.after = () => void moments.push(test.fs.snapshot());
  await test.post("b");
  await acknowledge();
  await queue.stats();
  await queue.compact();
  let states = 0;
  for (const moment of moments) {
    for (const { fs, label } of crashStates(moment)) {
      states++;
      await using left = await MiniQueue.open<string>("/data", {
        fs,
        inbox: true,
      });
      const all = await left.receiveBatch(10);
      const payloads = all.map(({ payload }) => payload);
      assertEquals(payloads.includes("a"), false, label);
      assert(payloads.length <= 1, label);
    }
  }
  assert(states > 20, `${states} states`);
});

/** The messages of each life of a producer, as the queue holds them. */
async function heldIn(path: string): Promise<Map<string, number[]>> {
  await using queue = await MiniQueue.open<string>(path, { inbox: true });
  const held = new Map<string, number[]>();
  let found = 0;
  for (let more = true; more;) {
    const messages = await queue.peek(1_000_000);
    more = messages.length > found;
    found = messages.length;
    if (more) continue;
    for (const { payload } of messages) {
      const [life = "", number] = payload.split(" ");
      held.set(life, [...held.get(life) ?? [], Number(number)]);
    }
  }
  return held;
}

Deno.test("MiniQueue: producers and the owner are killed, again and again: what was posted is in the ledger once, in order", async () => {
  await using directory = new TestDirectory();
  {
    await using queue = await MiniQueue.open<string>(directory.path, {
      inbox: true,
    });
    await queue.pause();
  }
  const random = new Random(seed);
  const last = new Map<string, number>();
  const kill = async (script: string) => {
    const lines = await runAndKill(script, directory.path, random.below(60));
    for (const line of lines) {
      const [what, life = "", number] = line.split(" ");
      if (what === "posted") last.set(life, Number(number));
    }
  };
  for (let round = 0; round < ROUNDS; round++) {
    await Promise.all([
      kill("killed_poster.ts"),
      kill("killed_poster.ts"),
      kill("killed_intake.ts"),
    ]);
  }
  const held = await heldIn(directory.path);
  let messages = 0;
  for (const [life, number] of last) {
    const numbers = held.get(life) ?? [];
    messages += numbers.length;
    // What was not yet told may be there too, and nothing twice or out of order.
    assertEquals(numbers, numbers.map((_, index) => index + 1), life);
    assert(numbers.length >= number, `${life}: ${numbers.length} of ${number}`);
    assert(numbers.length <= number + 1, `${life}: ${numbers.length}`);
  }
  say(
    `seed ${seed}: ${ROUNDS} kills of an owner and of two producers, ${messages} messages`,
  );
});
