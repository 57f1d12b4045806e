// Snapshots in a stream, on servers in memory: two owners, strangers, and a server that is behind.
import { assertEquals } from "@std/assert";
import { jetStream, type JetStreamState } from "@mini/state/jetstream";
import type { NatsConnection } from "@nats-io/nats-core";
import { FakeNats } from "../support/fake_nats.ts";
import { errorOf } from "../support/journal.ts";
import { changed } from "../support/lossy_nats.ts";

const FILE = "mini.log.snap.file.snapshot_00000000000000000001.json";

async function owner(nc: NatsConnection): Promise<JetStreamState<string>> {
  return await jetStream<string>(nc, "log", { whenHeld: "depose" });
}

Deno.test("an owner that is none any more cannot replace a snapshot of the next one, and leaves it whole", async () => {
  const nats = new FakeNats();
  const held = Promise.withResolvers<void>();
  const naming = Promise.withResolvers<void>();
  const slow = nats.connect();
  const first = await owner(changed(slow, {
    async request(subject, ...rest) {
      if (subject === FILE) {
        naming.resolve();
        await held.promise;
      }
      return await slow.request(subject, ...rest);
    },
  }));
  await first.log.append("a");
  const late = first.snapshots.create("of the first", 1);
  late.catch(() => {});
  await naming.promise;
  const second = await owner(nats.connect());
  await second.snapshots.create("of the second", 1);
  held.resolve();
  assertEquals((await errorOf(late)).code, "DEPOSED");
  assertEquals((await second.snapshots.restore())?.state, "of the second");
  await first.log.close();
  await second.log.close();
});

Deno.test("a server that is behind the others does not make a snapshot look damaged", async () => {
  const nats = new FakeNats();
  const nc = nats.connect();
  const first = await owner(nc);
  await first.log.append("a");
  await first.snapshots.create("whole", 1);
  let isBehind = true;
  const second = await owner(changed(nc, {
    async request(subject, ...rest) {
      const answer = await nc.request(subject, ...rest);
      const { message } = answer.json<{ message?: { subject: string } }>();
      if (!isBehind || !message?.subject.includes(".part.")) return answer;
      isBehind = false;
      const error = { "err_code": 10037, description: "no message found" };
      return { ...answer, json: <T>() => ({ error }) as T };
    },
  }));
  const found = await second.snapshots.restore();
  assertEquals([found?.state, second.snapshots.rejected], ["whole", []]);
  await first.log.close();
  await second.log.close();
});

Deno.test("what a stranger sends to the subjects of snapshots is a damaged snapshot at most", async () => {
  const nats = new FakeNats();
  const { log, snapshots } = await owner(nats.connect());
  await log.append("a");
  await snapshots.create("whole", 1);
  nats.publish("mini.log.snap.file.hello", "no manifest");
  nats.publish(FILE.replace("01.json", "02.json"), "no manifest");
  nats.publish(FILE.replace("01.json", "03.json"), "[]");
  const found = await snapshots.restore();
  assertEquals([found?.state, snapshots.rejected?.length], ["whole", 2]);
  await snapshots.create("newer", 4);
  assertEquals((await snapshots.restore())?.state, "newer");
  await log.close();
});
