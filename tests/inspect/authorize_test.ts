import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { ACTIONS, createInspector } from "@mini/state/inspect";
import { MiniQueue } from "@mini/state/queue";
import { TestDirectory } from "../support/dir.ts";
import { ask, get, MOUNT, newsOf } from "../support/inspected.ts";

/** Everything that can be asked for, and some that cannot. */
const PATHS = [
  "",
  "x",
  "api/overview",
  "api/records?from=1&count=1",
  "api/record?seq=1",
  "api/state?at=1",
  "api/queue",
  "api/search?text=a",
  "api/live",
  "api/nothing",
  "../log",
];

Deno.test("createInspector() must be told who may look", async () => {
  await using directory = new TestDirectory();
  const make = (options: unknown) => () =>
    createInspector(directory.path, options as { authorize: () => true });
  assertThrows(make({}), TypeError, "authorize must be a function");
  assertThrows(make(undefined), TypeError, "must be an object");
  const authorize = () => true as const;
  assertThrows(make({ authorize, x: 1 }), TypeError, 'no option "x"');
  assertThrows(make({ authorize, actions: ["stop"] }), TypeError, '"stop"');
  assertThrows(make({ authorize, actions: "all" }), TypeError, "an array");
  assertThrows(make({ authorize, origin: "x" }), TypeError, "an origin");
  assertThrows(
    make({ authorize, origin: "https://a.example/" }),
    TypeError,
    "an origin",
  );
  assertThrows(make({ authorize, definition: {} }), TypeError, "initial");
  assertThrows(
    () => createInspector({} as string, { authorize }),
    TypeError,
    "takes a path",
  );
});

Deno.test("every route of an inspector refuses who is not allowed, in the same words", async () => {
  await using directory = new TestDirectory();
  await using queue = await MiniQueue.open<string>(directory.path);
  await queue.enqueue("a");
  const answers: unknown[] = [false, undefined, 1, "true", {}, null];
  for (const answer of answers) {
    const inspector = createInspector(queue, {
      authorize: () => answer as boolean,
      actions: ACTIONS,
    });
    const bodies = new Set<string>();
    for (const method of ["GET", "POST", "PUT", "OPTIONS"]) {
      const actions = ACTIONS.map((name) => `api/actions/${name}`);
      for (const path of [...PATHS, ...actions]) {
        const response = await ask(inspector, path, { method });
        assertEquals(response.status, 403, `${method} ${path}`);
        assert(response.headers.has("content-security-policy"), path);
        bodies.add(await response.text());
      }
    }
    assertEquals(bodies.size, 1);
    await inspector.close();
  }
  assertEquals((await queue.stats()).ready, 1);
});

Deno.test("an authorize that throws, or rejects, is answered with 500, and not with what it threw", async () => {
  await using directory = new TestDirectory();
  await using queue = await MiniQueue.open<string>(directory.path);
  const failing = [
    () => {
      throw new Error("the database has the password 4711");
    },
    () => Promise.reject(new Error("the database has the password 4711")),
  ];
  for (const authorize of failing) {
    const inspector = createInspector(queue, { authorize });
    for (const path of PATHS) {
      const response = await ask(inspector, path);
      assertEquals(response.status, 500, path);
      assert(!(await response.text()).includes("4711"), path);
    }
    await inspector.close();
  }
});

Deno.test("authorize is asked for each request, and with the name of each action that the page may offer", async () => {
  await using directory = new TestDirectory();
  await using queue = await MiniQueue.open<string>(directory.path);
  const asked: string[] = [];
  const inspector = createInspector(queue, {
    actions: ["redrive", "purge", "snapshot"],
    authorize: async (request, action) => {
      asked.push(`${request.url.slice(MOUNT.length)} ${action}`);
      return await Promise.resolve(action !== "purge");
    },
  });
  const overview = await get(inspector, "overview");
  // A queue makes its snapshots by itself.
  assertEquals(overview.actions, ["redrive"]);
  assertEquals(typeof overview.token, "string");
  await (await ask(inspector, "")).text();
  assertEquals(asked, [
    "api/overview undefined",
    "api/overview redrive",
    "api/overview purge",
    " undefined",
  ]);
  await inspector.close();

  const failing = createInspector(queue, {
    actions: ["redrive"],
    authorize: (_, action) => {
      if (action !== undefined) throw new Error("4711");
      return true;
    },
  });
  const response = await ask(failing, "api/overview");
  assertEquals(response.status, 500);
  assert(!(await response.text()).includes("4711"));
  await failing.close();
});

Deno.test("a live stream ends without its news where the right to look was taken away", async () => {
  await using directory = new TestDirectory();
  await using queue = await MiniQueue.open<string>(directory.path);
  let may: () => unknown = () => true;
  const inspector = createInspector(queue, {
    authorize: () => may() as boolean,
  });
  for (const answer of [false, 1, Promise.resolve(undefined)]) {
    may = () => true;
    const news = newsOf(await ask(inspector, "api/live"));
    assertEquals((await news.next()).done, false);
    may = () => answer;
    await queue.enqueue("secret");
    assertEquals(await news.next(), { done: true, value: undefined });
    assertEquals((await ask(inspector, "api/live")).status, 403);
  }
  may = () => true;
  const news = newsOf(await ask(inspector, "api/live"));
  assertEquals((await news.next()).done, false);
  may = () => Promise.reject(new Error("4711"));
  await queue.enqueue("secret");
  await assertRejects(() => news.next());
  await inspector.close();
});

Deno.test("an inspector without actions offers none, and has no token", async () => {
  await using directory = new TestDirectory();
  await using queue = await MiniQueue.open<string>(directory.path);
  const inspector = createInspector(queue, { authorize: () => true });
  const { actions, token, target, hasQueue } = await get(inspector, "overview");
  assertEquals([actions, token, target, hasQueue], [
    [],
    undefined,
    "queue",
    true,
  ]);
  await inspector.close();
});

Deno.test("an inspector knows what it is not asked for, and only reads by GET", async () => {
  await using directory = new TestDirectory();
  await using queue = await MiniQueue.open<string>(directory.path);
  const inspector = createInspector(queue, { authorize: () => true });
  const status = async (path: string, init?: RequestInit) => {
    const response = await ask(inspector, path, init);
    await response.body?.cancel();
    return response.status;
  };
  for (const path of ["x", "api/", "api/nothing", "api/overview/x"]) {
    assertEquals(await status(path), 404, path);
  }
  for (const path of ["", "api/overview", "api/live", "api/search"]) {
    for (const method of ["POST", "PUT", "DELETE", "OPTIONS", "HEAD"]) {
      assertEquals(await status(path, { method }), 405, `${method} ${path}`);
    }
  }
  assertEquals(await status("api/actions/redrive"), 405);
  const bad = [
    "records?from=0&count=1",
    "record?seq=x",
    "state?at=-1",
    "queue?at=x",
    "search",
  ];
  for (const path of bad) assertEquals(await status(`api/${path}`), 400, path);
  await inspector.close();
  await inspector.close();
  for (const path of ["", "api/overview", "api/live"]) {
    assertEquals(await status(path), 503, path);
  }
});

Deno.test("an inspector finds a log that comes later, and says until then that there is none", async () => {
  await using directory = new TestDirectory();
  const inspector = createInspector(directory.path, { authorize: () => true });
  const { error } = await get(inspector, "overview");
  assertEquals(error.code, "MISUSE");
  await using queue = await MiniQueue.open<string>(directory.path);
  await queue.enqueue("a");
  assertEquals((await get(inspector, "overview")).records, 1);
  await inspector.close();
});
