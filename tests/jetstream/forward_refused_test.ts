// What forward() refuses.
import { assertEquals, assertRejects } from "@std/assert";
import { join } from "@std/path";
import { forward, type ForwardOptions } from "@mini/state/jetstream";
import { MiniError, MiniStore } from "@mini/state/store";
import { ROOT } from "../support/child.ts";
import { TestDirectory } from "../support/dir.ts";
import { FakeNats } from "../support/fake_nats.ts";
import {
  forwardUntil,
  messagesIn,
  opened,
  options,
} from "../support/forwarded.ts";

Deno.test("forward() refuses a stream that would lose records, or takes other subjects", async () => {
  for (
    const [setting, value] of Object.entries({
      discard: "old",
      max_age: 1,
      max_msgs_per_subject: 1,
      storage: "memory",
      retention: "workqueue",
      no_ack: true,
      persist_mode: "async",
      subjects: ["S"],
    })
  ) {
    const nats = new FakeNats();
    await using log = await opened();
    await log.append("a");
    await forwardUntil(log, nats, 1);
    const { config, messages } = nats.streams.get("S")!;
    messages.clear();
    Object.assign(config, { [setting]: value });
    const error = await assertRejects(
      () => forwardUntil(log, nats, 1),
      MiniError,
      setting,
    );
    assertEquals(error.code, "UNSUPPORTED_FORMAT");
    assertEquals(messagesIn(nats), []);
  }
});

Deno.test("forward() refuses what it is not made for", async () => {
  const nats = new FakeNats();
  await using log = await opened();
  const nc = nats.connect();
  const missing = assertRejects(
    () => forward(log, nc, { ...options, create: false }),
    MiniError,
    "There is no stream S",
  );
  assertEquals((await missing).code, "NOT_FOUND");
  for (
    const wrong of [
      { stream: "a.b" },
      { subject: "a.*" },
      { consumer: "" },
      { surprise: 1 },
      { onError: 1 },
    ]
  ) {
    await assertRejects(
      () => forward(log, nc, { ...options, ...wrong } as ForwardOptions),
      TypeError,
    );
  }
  await assertRejects(
    () => forward(log, nc, { ...options, replicas: 2 as 3 }),
    RangeError,
  );
  await nc.close();
  const closed = assertRejects(() => forward(log, nc, options), MiniError);
  assertEquals((await closed).code, "CLOSED");
});

Deno.test("forward() refuses a log of the Rust program, and an old server", async () => {
  const nats = new FakeNats();
  await using directory = new TestDirectory();
  const path = directory.at();
  const rust = join(ROOT, "tests/fixtures/mini-rs/counter.log");
  await Deno.copyFile(rust, path);
  {
    await using log = await MiniStore.open<unknown>(path);
    const nameless = assertRejects(
      () => forward(log, nats.connect(), options),
      MiniError,
    );
    assertEquals((await nameless).code, "UNSUPPORTED_FORMAT");
  }
  await using log = await opened();
  const nc = nats.connect();
  Object.assign(nc.info!, { version: "2.11.9" });
  const old = assertRejects(() => forward(log, nc, options), MiniError);
  assertEquals((await old).code, "UNSUPPORTED");
  assertEquals(nats.asked, []);
});
