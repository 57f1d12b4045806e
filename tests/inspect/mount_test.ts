import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { createInspector } from "@mini/state/inspect";
import { MiniQueue } from "@mini/state/queue";
import { TestDirectory } from "../support/dir.ts";
import { newsOf } from "../support/inspected.ts";
import { SERVERS } from "../support/mounts.ts";

for (const [name, mount] of Object.entries(SERVERS)) {
  Deno.test(`an inspector answers in ${name}, under a path`, async () => {
    await using directory = new TestDirectory();
    await using queue = await MiniQueue.open<string>(directory.path);
    await queue.enqueue("a");
    const inspector = createInspector(queue, {
      authorize: ({ headers }) => headers.get("authorization") === "Bearer 1",
      actions: ["pause"],
    });
    await using server = await mount(inspector);
    const url = `http://127.0.0.1:${server.port}/admin/log/`;
    const authorization = "Bearer 1";
    const ask = (path: string, init: RequestInit = {}) =>
      fetch(new URL(path, url), {
        ...init,
        headers: { authorization, ...init.headers },
      });
    for (const path of ["", "api/overview", "api/live", "api/actions/pause"]) {
      const refused = await fetch(new URL(path, url));
      assertEquals(refused.status, 403, path);
      await refused.body?.cancel();
    }
    const page = await ask("");
    assertStringIncludes(await page.text(), "<!doctype html>");
    const policy = page.headers.get("content-security-policy")!;
    assertStringIncludes(policy, "default-src 'none'");
    assert(!policy.includes("unsafe"), policy);
    assertEquals(page.headers.get("x-content-type-options"), "nosniff");

    const { records, token } = await (await ask("api/overview")).json();
    assertEquals(records, 1);
    const found = await (await ask("api/search?text=a")).text();
    assertStringIncludes(found, '"isDone":true');

    const news = newsOf(await ask("api/live"));
    assertEquals((await news.next()).value.last, 1);
    await queue.enqueue("b");
    assertEquals((await news.next()).value.last, 2);
    const paused = await ask("api/actions/pause", {
      method: "POST",
      headers: { "x-mini-token": token, "sec-fetch-site": "same-origin" },
      body: "{}",
    });
    assertEquals(await paused.json(), { action: "pause", text: "paused" });
    assertEquals((await queue.stats()).paused, true);
    for (let isTold = false; !isTold;) {
      isTold = (await news.next()).value.action !== undefined;
    }
    await news.return();
    // It learns that nobody reads any more.
    for (let hasRates = true; hasRates;) {
      hasRates = (await (await ask("api/queue")).json()).rates !== undefined;
    }
    await inspector.close();
    assertEquals((await ask("api/overview").then(drained)).status, 503);
  });
}

async function drained(response: Response): Promise<Response> {
  await response.body?.cancel();
  return response;
}

Deno.test("an inspector leads a browser to the slash at the end of its path, and nobody elsewhere", async () => {
  await using directory = new TestDirectory();
  await using queue = await MiniQueue.open<string>(directory.path);
  const inspector = createInspector(queue, { authorize: () => true });
  const headers = { accept: "text/html,application/xhtml+xml" };
  const ledTo = async (path: string) => {
    const request = new Request(`http://localhost${path}`, { headers });
    const response = await inspector.fetch(request);
    const location = response.headers.get("location");
    return location === null
      ? response.status
      : new URL(location, request.url).href;
  };
  assertEquals(await ledTo("/admin/log"), "http://localhost/admin/log/");
  assertEquals(await ledTo("/log?x=1"), "http://localhost/log/");
  assertEquals(await ledTo("/api/log"), "http://localhost/api/log/");
  assertEquals(
    await ledTo("//evil.example"),
    "http://localhost//evil.example/",
  );
  assertEquals(
    await ledTo("/javascript:alert(1)"),
    "http://localhost/javascript:alert(1)/",
  );
  for (const path of ["/", "/admin/log/", "/api/"]) {
    assertEquals(await ledTo(path), 200, path);
  }
  const plain = await inspector.fetch(new Request("http://localhost/log"));
  assertEquals(plain.status, 404);
  await inspector.close();
});
