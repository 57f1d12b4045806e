// How a log on JetStream is read, on servers in memory: in rows of messages, from any of the servers.
import { assert, assertEquals, assertMatch } from "@std/assert";
import { jetStream, jetStreamReader } from "@mini/state/jetstream";
import type { NatsConnection } from "@nats-io/nats-core";
import { FakeNats } from "../support/fake_nats.ts";
import { errorOf } from "../support/journal.ts";
import { changed } from "../support/lossy_nats.ts";

/** More than one row. */
const COUNT = 1_200;

/** Writes one record after another, a message each. */
async function fill(nats: FakeNats, count = COUNT): Promise<void> {
  const { log } = await jetStream(nats.connect(), "log");
  for (let number = 1; number <= count; number++) await log.append(number);
  await log.close();
}

const ALL = Array.from({ length: COUNT }, (_, index) => index + 1);

/** All that an owner, a reader and a follower read with a connection. */
async function readings(nc: NatsConnection): Promise<unknown[][]> {
  const owned = await jetStream(nc, "log", { whenHeld: "depose" });
  const found = [await Array.fromAsync(owned.log.replay(), dataOf)];
  await owned.log.close();
  const { log } = await jetStreamReader<unknown>(nc, "log");
  found.push(await Array.fromAsync(log.replay({ from: 5 }), dataOf));
  const stop = new AbortController();
  const followed: unknown[] = [];
  const onCaughtUp = () => stop.abort();
  const { signal } = stop;
  const following = (async () => {
    for await (const record of log.follow!({ from: 7, signal, onCaughtUp })) {
      followed.push(dataOf(record));
    }
  })();
  await following.catch((error) => assert(signal.aborted, error));
  await log.close!();
  return [...found, followed];
}

const dataOf = ({ data }: { readonly data: unknown }) => data;

Deno.test("a log on JetStream is read in rows of messages by its owner, a reader and a follower", async () => {
  const nats = new FakeNats();
  await fill(nats);
  nats.asked.splice(0);
  assertEquals(await readings(nats.connect()), [
    ALL,
    ALL.slice(4),
    ALL.slice(6),
  ]);
  assert(nats.asked.length < 100, `${nats.asked.length} requests`);
});

Deno.test("a log on JetStream is read also where its stream gives no rows, or the user may not ask for them", async () => {
  const nats = new FakeNats();
  await fill(nats);
  const all = [ALL, ALL.slice(4), ALL.slice(6)];
  const refused = changed(nats.connect(), {
    requestMany: () => Promise.reject(new Error("Permissions Violation")),
  });
  assertEquals(await readings(refused), all);
  nats.streams.get("MINI_log")!.config.allow_direct = false;
  assertEquals(await readings(nats.connect()), all);
});

Deno.test("a log on JetStream is CORRUPT where a server has another commit at its end than the one that leads", async () => {
  const [nats, other] = [new FakeNats(), new FakeNats()];
  await fill(nats, 10);
  await fill(other, 10);
  const nc = nats.connect();
  const mixed = changed(nc, {
    requestMany: (...args) => other.connect().requestMany(...args),
  });
  const { log } = await jetStreamReader<unknown>(mixed, "log");
  // Their epochs are the same, and their numbers: not so the time that each was closed.
  const last = other.streams.get("MINI_log")!.messages.get(11)!;
  const hdrs = last.hdrs.replace(/Mini-Commit: \S+/, "Mini-Commit: 1.99");
  other.streams.get("MINI_log")!.messages.set(11, { ...last, hdrs });
  const read = Array.fromAsync(log.replay()) as Promise<unknown>;
  const error = await errorOf(read as Promise<never>);
  assertEquals(error.code, "CORRUPT");
  assertMatch(error.message, /message 11 is commit 1\.10 .+ and 1\.99/);
  await log.close!();
});

Deno.test("a log on JetStream writes no message over the limit of the server, whatever the characters of the records", async () => {
  const nats = new FakeNats();
  const { log } = await jetStream(nats.connect(), "log");
  // A megabyte in characters, and three of them in bytes.
  const texts = Array.from({ length: 100 }, () => "€".repeat(10_000));
  await Promise.all(texts.map((text) => log.append(text)));
  const { messages } = nats.streams.get("MINI_log")!;
  const sizes = [...messages.values()].map(({ data }) => data.length);
  assert(Math.max(...sizes) <= 1024 * 1024, sizes.join());
  assert(messages.size < 10, sizes.join());
  assertEquals(await Array.fromAsync(log.replay(), dataOf), texts);
  const over = log.append("€".repeat(400_000)) as Promise<never>;
  assertEquals((await errorOf(over)).code, "TOO_LARGE");
  const json = log.appendJson!(`"${"€".repeat(400_000)}"`) as Promise<never>;
  assertEquals((await errorOf(json)).code, "TOO_LARGE");
  await log.close();
});
