import { assert, assertEquals } from "@std/assert";
import { ACTIONS, createInspector } from "@mini/state/inspect";
import { MiniQueue } from "@mini/state/queue";
import {
  type FileSystem,
  MiniStore,
  systemFileSystem,
} from "@mini/state/store";
import { TestDirectory } from "../support/dir.ts";
import { HoldingFileSystem } from "../support/held.ts";
import { ask, get } from "../support/inspected.ts";

const authorize = () => true;

/** Makes a queue with three messages. */
async function openQueue(dir: string): Promise<MiniQueue<string>> {
  const queue = await MiniQueue.open<string>(dir);
  await queue.enqueueBatch(["a", "b", "c"].map((payload) => ({ payload })));
  return queue;
}

Deno.test("an inspector that was closed takes no action, also not of a request that came before", async () => {
  await using directory = new TestDirectory();
  await using queue = await openQueue(directory.path);
  const asked = Promise.withResolvers<void>();
  const allowed = Promise.withResolvers<boolean>();
  let isSlow = false;
  const inspector = createInspector(queue, {
    actions: ACTIONS,
    authorize: (_, action) => {
      if (!isSlow || action === undefined) return true;
      asked.resolve();
      return allowed.promise;
    },
  });
  const { token } = await get(inspector, "overview");
  isSlow = true;
  const acted = ask(inspector, "api/actions/purge", {
    method: "POST",
    headers: { "sec-fetch-site": "same-origin", "x-mini-token": token },
    body: '{"which":"all"}',
  });
  await asked.promise;
  await inspector.close();
  allowed.resolve(true);
  const response = await acted;
  assertEquals(response.status, 503);
  await response.body?.cancel();
  assertEquals((await queue.stats()).ready, 3);
});

Deno.test("closing an inspector waits for an action that has begun", async () => {
  await using directory = new TestDirectory();
  await (await openQueue(directory.path)).close();
  const holding = new HoldingFileSystem(systemFileSystem);
  const { fs } = holding;
  const inspector = createInspector(directory.path, {
    authorize,
    fs,
    actions: ACTIONS,
  });
  const { token } = await get(inspector, "overview");
  const held = holding.hold("write");
  const acted = ask(inspector, "api/actions/purge", {
    method: "POST",
    headers: { "sec-fetch-site": "same-origin", "x-mini-token": token },
    body: '{"which":"all"}',
  });
  await held.reached;
  const closed = inspector.close();
  held.release();
  await closed;
  // Its files are free.
  await using queue = await MiniQueue.open<string>(directory.path);
  assertEquals((await queue.stats()).ready, 0);
  assertEquals((await (await acted).json()).count, 3);
});

Deno.test("a search whose answer nobody begins to read leaves no file open", async () => {
  await using directory = new TestDirectory();
  await using store = await MiniStore.open<string>(directory.at(), {
    durable: false,
  });
  const line = "x ".repeat(1_000);
  for (let at = 1; at <= 1_000; at++) await store.append(line);
  let open = 0;
  const fs: FileSystem = {
    ...systemFileSystem,
    async open(path, access) {
      const file = await systemFileSystem.open(path, access);
      const close = file.close.bind(file);
      open++;
      file.close = async () => {
        await close();
        open--;
      };
      return file;
    },
  };
  const inspector = createInspector(directory.path, { authorize, fs });
  const response = await ask(inspector, "api/search?text=x");
  assert(open > 0);
  await response.body!.cancel();
  assertEquals(open, 0);
  await ask(inspector, "api/search?text=x");
  await inspector.close();
  assertEquals(open, 0);
});
