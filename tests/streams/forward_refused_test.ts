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

Deno.test("forward() waits while the stream is full, and is PERMISSION where the user may not write", async () => {
  const nats = new FakeNats();
  await using log = await opened();
  await log.append("a");
  const stop = new AbortController();
  const nc = nats.connect();
  const { request } = nc;
  let full = 3;
  nc.request = async (subject, ...rest) => {
    if (subject.startsWith("S.") && full-- > 0) {
      const description = "maximum bytes exceeded";
      const error = { "err_code": 10077, description };
      return { json: () => ({ error }) } as never;
    }
    const answer = await request(subject, ...rest);
    if (messagesIn(nats).length === 1) stop.abort();
    return answer;
  };
  const told: string[] = [];
  await forward(log, nc, {
    ...options,
    signal: stop.signal,
    onError: ({ code }) => told.push(code),
  });
  assertEquals(told, ["NO_SPACE", "NO_SPACE", "NO_SPACE"]);
  assertEquals(messagesIn(nats).length, 1);

  await log.append("b");
  const other = nats.connect();
  const { request: ask } = other;
  other.request = (subject, ...rest) => {
    if (!subject.startsWith("S.")) return ask(subject, ...rest);
    const error = new Error(`Permissions Violation for Publish to ${subject}`);
    error.name = "PermissionViolationError";
    return Promise.reject(error);
  };
  const forbidden = assertRejects(
    () => forward(log, other, options),
    MiniError,
  );
  assertEquals((await forbidden).code, "PERMISSION");
});
