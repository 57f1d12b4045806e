import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import {
  type ActionName,
  ACTIONS,
  createInspector,
  type InspectOptions,
} from "@mini/state/inspect";
import { MiniQueue, QueueView } from "@mini/state/queue";
import { StateManager } from "@mini/state/state";
import { MiniStore } from "@mini/state/store";
import { COUNTER, openCounter } from "../support/counter.ts";
import { TestDirectory } from "../support/dir.ts";
import { act, ask, get, newsOf } from "../support/inspected.ts";

const ALL: InspectOptions = { authorize: () => true, actions: ACTIONS };

/** A queue with a dead letter, 1, and two messages that wait. */
async function openQueue(dir: string): Promise<MiniQueue<string>> {
  const queue = await MiniQueue.open<string>(dir, { maxAttempts: 1 });
  await queue.enqueue("dead");
  await (await queue.receive())!.nack({ reason: "no route" });
  await queue.enqueueBatch([{ payload: "b" }, { payload: "c" }]);
  return queue;
}

Deno.test("the actions of an inspector act on the queue that is open", async () => {
  await using directory = new TestDirectory();
  await using queue = await openQueue(directory.path);
  const inspector = createInspector(queue, ALL);
  const { actions } = await get(inspector, "overview");
  assertEquals(actions, ACTIONS.filter((name) => name !== "snapshot"));
  const done = async (name: ActionName, input: unknown) => {
    const { status, answer } = await act(inspector, name, input);
    assertEquals(status, 200, name);
    return answer;
  };
  assertEquals(await done("redrive", { which: [1] }), {
    action: "redrive",
    text: "1 message redriven",
    count: 1,
    id: 1,
  });
  assertEquals((await queue.get(1))?.state, "ready");
  const cancelled = await done("cancel", { id: 2, reason: "not needed" });
  assertEquals([cancelled.found, cancelled.id], ["cancelled", 2]);
  await done("pause", {});
  assertEquals((await queue.stats()).paused, true);
  await done("resume", {});
  assertEquals((await queue.stats()).paused, false);
  await (await queue.receive())!.deadLetter("by hand");
  const redriven = await done("redrive", { which: "all", perSecond: 10 });
  assertEquals(redriven.count, 1);
  await (await queue.receive())!.deadLetter("again");
  assertEquals((await done("purge", { which: "dead" })).count, 1);
  assertEquals((await done("purge", { which: 4711 })).count, 0);
  assertEquals((await done("purge", { which: "all" })).count, 1);
  assertStringIncludes((await done("compact", {})).text, "compacted");
  const { status, answer } = await act(inspector, "snapshot");
  assertEquals([status, answer.error.code], [400, "MISUSE"]);
  await inspector.close();
});

Deno.test("an action needs its name, its right, the page's origin, its method and its token", async () => {
  await using directory = new TestDirectory();
  await using queue = await openQueue(directory.path);
  const inspector = createInspector(queue, {
    authorize: (request, action) =>
      action !== "purge" || request.headers.get("x-user") === "ada",
    actions: ["purge", "pause"],
  });
  const { actions, token } = await get(inspector, "overview");
  assertEquals(actions, ["pause"]);
  const own = { "sec-fetch-site": "same-origin", "x-mini-token": token };
  const status = async (
    name: string,
    headers: Record<string, string>,
    method = "POST",
  ) => {
    const body = method === "POST" ? { body: '{"which":"all"}' } : {};
    const init = { method, headers, ...body };
    const response = await ask(inspector, `api/actions/${name}`, init);
    assertEquals(typeof (await response.json()).error.message, "string");
    return response.status;
  };
  assertEquals(await status("cancel", own), 403, "off");
  assertEquals(await status("stop", own), 404, "unknown");
  assertEquals(await status("purge", own), 403, "without the right");
  const ada = { ...own, "x-user": "ada" };
  for (const method of ["GET", "PUT", "DELETE"]) {
    assertEquals(await status("purge", ada, method), 405, method);
  }
  const wrong: Record<string, string>[] = [
    { "x-mini-token": "" },
    { "x-mini-token": `${token.slice(1)}0` },
    { "sec-fetch-site": "cross-site" },
    { "sec-fetch-site": "same-site" },
    { "sec-fetch-site": "none" },
    { "sec-fetch-site": "cross-site", origin: "http://localhost" },
  ];
  for (const headers of wrong) {
    const told = JSON.stringify(headers);
    assertEquals(await status("purge", { ...ada, ...headers }), 403, told);
  }
  // A browser does not say where a request comes from over plain HTTP.
  const { "sec-fetch-site": _, ...old } = ada;
  const origins = ["http://evil.example", "https://localhost", "null"];
  assertEquals(await status("purge", old), 403);
  for (const origin of origins) {
    assertEquals(await status("purge", { ...old, origin }), 403, origin);
  }
  assertEquals((await queue.stats()).ready, 2);
  const allowed = await ask(inspector, "api/actions/purge", {
    method: "POST",
    headers: { ...old, origin: "http://localhost" },
    body: '{"which":"all"}',
  });
  assertEquals((await allowed.json()).count, 3);
  await inspector.close();
});

Deno.test("an inspector behind a proxy knows its own origin", async () => {
  await using directory = new TestDirectory();
  await using queue = await openQueue(directory.path);
  const origin = "https://example.org";
  const inspector = createInspector(queue, { ...ALL, origin });
  const { token } = await get(inspector, "overview");
  const status = async (headers: Record<string, string>) => {
    const response = await ask(inspector, "api/actions/pause", {
      method: "POST",
      headers: { "x-mini-token": token, ...headers },
    });
    await response.body?.cancel();
    return response.status;
  };
  const same = { "sec-fetch-site": "same-origin" };
  assertEquals(await status({ origin: "http://localhost" }), 403);
  assertEquals(await status({ ...same, origin: "http://localhost" }), 403);
  assertEquals(await status({ origin }), 200);
  assertEquals(await status({ ...same, origin }), 200);
  assertEquals(await status(same), 200);
  await inspector.close();
});

Deno.test("an action refuses input that makes no sense, and changes nothing", async () => {
  await using directory = new TestDirectory();
  await using queue = await openQueue(directory.path);
  const inspector = createInspector(queue, ALL);
  const { sequence } = queue;
  const wrong: [ActionName, unknown][] = [
    ["redrive", {}],
    ["redrive", { which: 1 }],
    ["redrive", { which: [0] }],
    ["redrive", { which: "all", perSecond: 0 }],
    ["redrive", { which: "all", perSecond: "x" }],
    ["cancel", {}],
    ["cancel", { id: "1" }],
    ["cancel", { id: 1, reason: 7 }],
    ["purge", {}],
    ["purge", { which: "none" }],
    ["pause", 1],
    ["pause", null],
    ["pause", []],
    ["compact", [{}]],
  ];
  for (const [name, input] of wrong) {
    const { status, answer } = await act(inspector, name, input);
    const told = `${name} ${JSON.stringify(input)}`;
    assertEquals([status, answer.error.code], [400, "MISUSE"], told);
  }
  const { token } = await get(inspector, "overview");
  const headers = {
    "sec-fetch-site": "same-origin",
    "x-mini-token": token,
  };
  for (const body of ["{", "x".repeat(4_000_001)]) {
    const init = { method: "POST", headers, body };
    const response = await ask(inspector, "api/actions/pause", init);
    assertEquals(response.status, 400);
    await response.body?.cancel();
  }
  // No more of a body is kept than an action takes, however long it is.
  let chunks = 0;
  const body = new ReadableStream<Uint8Array>({
    pull(controller) {
      if (++chunks > 100) controller.error(new Error("it is read on"));
      else controller.enqueue(new Uint8Array(100_000).fill(0x20));
    },
  });
  const init = { method: "POST", headers, body };
  const response = await ask(inspector, "api/actions/pause", init);
  const { error } = await response.json();
  assertEquals([response.status, error.message], [400, "that is too much"]);
  assertEquals(queue.sequence, sequence);
  await inspector.close();
});

Deno.test("two pages act on the same message: one has done it, both are told, and so is every other page", async () => {
  await using directory = new TestDirectory();
  await using queue = await openQueue(directory.path);
  const inspector = createInspector(queue, ALL);
  const pages = await Promise.all(
    [1, 2, 3].map(async () => newsOf(await ask(inspector, "api/live"))),
  );
  // Each has begun to watch.
  for (const page of pages) assertEquals((await page.next()).value.count, 0);
  const acted = await Promise.all([
    act(inspector, "cancel", { id: 2 }),
    act(inspector, "cancel", { id: 2 }),
    act(inspector, "redrive", { which: [1] }),
    act(inspector, "redrive", { which: [1] }),
  ]);
  assertEquals(acted.map(({ status }) => status), [200, 200, 200, 200]);
  const found = acted.slice(0, 2).map(({ answer }) => answer.found).sort();
  assertEquals(found[0], "cancelled");
  assert(["finished", "unknown"].includes(found[1]), found[1]);
  const counts = acted.slice(2).map(({ answer }) => answer.count).sort();
  assertEquals(counts, [0, 1]);
  for (const page of pages) {
    const told: string[] = [];
    while (told.length < 4) {
      const { value } = await page.next();
      if (value.action !== undefined) told.push(value.action.action);
    }
    assertEquals(told.sort(), ["cancel", "cancel", "redrive", "redrive"]);
    await page.return();
  }
  await inspector.close();
});

Deno.test("the actions of an inspector act on the state that is open", async () => {
  await using directory = new TestDirectory();
  await using counter = await openCounter(directory.path);
  for (const by of [1, 2, 3]) await counter.apply({ by });
  const inspector = createInspector(counter, ALL);
  const { actions } = await get(inspector, "overview");
  assertEquals(actions, ["compact", "snapshot"]);
  const made = await act(inspector, "snapshot");
  assertEquals(made.answer.text, "snapshot at record 3");
  assertEquals((await act(inspector, "compact")).status, 200);
  const { snapshots } = await get(inspector, "overview");
  assertEquals(snapshots.length, 1);
  await inspector.close();
});

Deno.test("an action over files opens their owner for the moment, and says LOCKED beside another", async () => {
  await using directory = new TestDirectory();
  const dir = directory.at("jobs");
  const queue = await openQueue(dir);
  const inspector = createInspector(dir, ALL);
  const view = await QueueView.open(dir);
  const viewed = createInspector(view, ALL);
  for (const one of [inspector, viewed]) {
    const { status, answer } = await act(one, "redrive", { which: [1] });
    assertEquals([status, answer.error.code], [409, "LOCKED"]);
    assertStringIncludes(answer.error.next, "mount");
  }
  await queue.close();
  const { answer } = await act(inspector, "redrive", { which: [1] });
  assertEquals(answer.count, 1);
  const cancelled = await act(viewed, "cancel", { id: 2 });
  assertEquals(cancelled.answer.found, "cancelled");
  await viewed.close();
  await view.close();
  await inspector.close();
  await using reopened = await openQueue(dir);
  assertEquals((await reopened.get(1))?.state, "ready");

  const state = directory.at("state");
  await using counter = await openCounter(state);
  await counter.apply({ by: 1 });
  const files = createInspector(state, { ...ALL, definition: COUNTER });
  assertEquals((await act(files, "snapshot")).answer.error.code, "LOCKED");
  await counter.close();
  assertEquals((await act(files, "snapshot")).status, 200);
  assertEquals((await act(files, "compact")).status, 200);
  await files.close();
  const blind = createInspector(state, ALL);
  assertEquals((await get(blind, "overview")).actions, []);
  await blind.close();
  await using again = await StateManager.open(state, COUNTER);
  assertEquals(again.state.value, 1);
});

Deno.test("a log of the program's own has no actions", async () => {
  await using directory = new TestDirectory();
  await using store = await MiniStore.open<number>(directory.at());
  await store.append(1);
  const inspector = createInspector(store, ALL);
  assertEquals((await get(inspector, "overview")).actions, []);
  await inspector.close();
});
