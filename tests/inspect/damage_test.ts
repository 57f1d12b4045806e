import { assert, assertEquals } from "@std/assert";
import { ACTIONS, createInspector } from "@mini/state/inspect";
import { MiniQueue } from "@mini/state/queue";
import { MiniStore } from "@mini/state/store";
import { MemoryFileSystem } from "@mini/state/testing";
import { COUNTER, openCounter } from "../support/counter.ts";
import { TestDirectory } from "../support/dir.ts";
import { ask, get, newsOf } from "../support/inspected.ts";
import { fixture } from "../support/mini.ts";
import { LOG, MOST, openRestless } from "../support/verified.ts";

const authorize = () => true;

Deno.test("an inspector shows what can be read around a damage, and finds it", async () => {
  const inspector = createInspector(fixture("v1/flipped"), { authorize });
  const { end, last, problems } = await get(inspector, "overview");
  assertEquals([end, last, problems[0].seq], ["damaged", 9, 5]);
  const page = await get(inspector, "records?from=1&count=20");
  assertEquals(
    page.records.map(({ seq }: { seq: number }) => seq),
    [1, 2, 3, 4, 6, 7, 8, 9],
  );
  const [damage] = page.damages;
  assertEquals([damage.line, damage.offset, damage.from, damage.to], [
    2,
    100,
    5,
    5,
  ]);
  assertEquals((await get(inspector, "record?seq=5")).damages, page.damages);
  assertEquals((await get(inspector, "record?seq=99")).isMissing, true);
  const found = await (await ask(inspector, "api/search?text=e")).text();
  assert(found.includes('"isDone":true'), found);
  await inspector.close();
});

Deno.test("redact leaves out what a damage would say of a line", async () => {
  await using directory = new TestDirectory();
  await using store = await MiniStore.open<unknown>(directory.at());
  for (const user of ["ada", "bob", "eve"]) await store.append({ user });
  await store.close();
  const lines = (await Deno.readTextFile(directory.at())).split("\n");
  // Many lines in a row of which none is one of a log.
  const noise = Array.from({ length: 150 }, (_, at) => `secret ${at}`);
  lines.splice(2, 1, ...noise);
  await Deno.writeTextFile(directory.at(), lines.join("\n"));
  const inspector = createInspector(directory.path, {
    authorize,
    redact: (value, { kind }) => kind === "error" ? "hidden" : value,
  });
  const { problems, segments } = await get(inspector, "overview");
  assertEquals(problems[0].message, "hidden");
  assertEquals(segments[0].problem.message, "hidden");
  const { damages } = await get(inspector, "records?from=1&count=9");
  assert(damages.length >= 1);
  for (const { reason } of damages) assertEquals(reason, "hidden");
  await inspector.close();
});

Deno.test("an inspector tells that a damaged log was mended", async () => {
  await using directory = new TestDirectory();
  {
    await using store = await MiniStore.open<number>(directory.at());
    for (const number of [1, 2, 3]) await store.append(number);
  }
  const whole = await Deno.readFile(directory.at());
  const broken = whole.slice();
  broken[broken.indexOf(0x0a) + 30]! ^= 1;
  await Deno.writeFile(directory.at(), broken);
  const inspector = createInspector(directory.path, { authorize });
  const news = newsOf(await ask(inspector, "api/live"));
  const told = news.next();
  assertEquals((await get(inspector, "overview")).end, "damaged");
  await Deno.writeFile(directory.at("whole"), whole);
  await Deno.rename(directory.at("whole"), directory.at());
  assertEquals((await told).value.count, 0);
  while ((await news.next()).value.last !== 3);
  assertEquals((await get(inspector, "overview")).problems, []);
  await news.return();
  await inspector.close();
});

Deno.test("an action makes nothing where the files are gone", async () => {
  await using directory = new TestDirectory();
  const state = directory.at("state");
  {
    await using counter = await openCounter(state);
    await counter.apply({ by: 1 });
  }
  const dir = directory.at("jobs");
  {
    await using queue = await MiniQueue.open<string>(dir);
    await queue.enqueue("a");
  }
  const targets = [[state, "compact"], [dir, "purge"]] as const;
  for (const [path, name] of targets) {
    const inspector = createInspector(path, {
      authorize,
      actions: ACTIONS,
      definition: COUNTER,
    });
    const { token } = await get(inspector, "overview");
    await Deno.remove(path, { recursive: true });
    const response = await ask(inspector, `api/actions/${name}`, {
      method: "POST",
      headers: { "sec-fetch-site": "same-origin", "x-mini-token": token },
      body: '{"which":"all"}',
    });
    const { error } = await response.json();
    assertEquals(error.code, "MISUSE", path);
    await inspector.close();
  }
  assertEquals(directory.names(), []);
});

Deno.test("an inspector has read everything at some time beside a writer that starts a segment whenever one is read", async () => {
  await using restless = await openRestless(new MemoryFileSystem());
  const { store, beside: fs } = restless;
  const inspector = createInspector(LOG, { authorize, fs });
  let overview;
  do {
    overview = await get(inspector, "overview");
    const { problems, consumers: [consumer] } = overview;
    assertEquals([problems, consumer.problem], [[], undefined]);
  } while (!overview.verified.isDone && store.sequence < MOST);
  assert(store.sequence < MOST, `${store.sequence}`);
  await inspector.close();
});
