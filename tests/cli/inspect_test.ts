import {
  assert,
  assertEquals,
  assertMatch,
  assertStringIncludes,
} from "@std/assert";
import { MiniQueue } from "@mini/state/queue";
import { TestDirectory } from "../support/dir.ts";
import { Inspector } from "../support/inspect.ts";
import { fixture, mini, miniCommand } from "../support/mini.ts";
import { skipped } from "../support/system.ts";

/** Sends a request as it stands; gives the answer as it stands. */
async function raw(port: string, request: string): Promise<string> {
  using connection = await Deno.connect({
    hostname: "127.0.0.1",
    port: Number(port),
  });
  await connection.write(new TextEncoder().encode(request));
  const answer = await new Response(connection.readable).text();
  return answer;
}

Deno.test("mini inspect answers nobody who does not know its address, always in the same words", async () => {
  await using inspector = await Inspector.start(fixture("v1/whole"));
  const { port, pathname } = inspector.url;
  const token = pathname.slice(1, -1);
  assertMatch(token, /^[0-9a-f]{48}$/);
  const wrong = `${token.slice(0, -1)}${token.endsWith("0") ? "1" : "0"}`;
  const bodies = new Set<string>();
  for (
    const path of [
      "/",
      "/favicon.ico",
      "/api/overview",
      `/${wrong}/`,
      `/${token}`,
      `/${wrong}/api/overview`,
    ]
  ) {
    const { status, text } = await inspector.ask(path);
    assertEquals(status, 403, path);
    bodies.add(text);
  }
  for (
    const host of ["evil.example", `evil.example:${port}`, "127.0.0.1", ""]
  ) {
    const answer = await raw(
      port,
      `GET /${token}/api/overview HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`,
    );
    assertStringIncludes(answer.split("\r\n")[0]!, " 403 ", host);
    bodies.add(answer.split("\r\n\r\n")[1]!.replace(/^[0-9a-f]+\r\n/, ""));
  }
  assertEquals(bodies.size, 1, [...bodies].join("|"));
  const known = await raw(
    port,
    `GET /${token}/api/overview HTTP/1.1\r\nHost: localhost:${port}\r\nConnection: close\r\n\r\n`,
  );
  assertStringIncludes(known.split("\r\n")[0]!, " 200 ");
});

Deno.test("mini inspect lets no other page read it, and its own load nothing", async () => {
  await using inspector = await Inspector.start(fixture("v1/whole"));
  for (const path of ["", "api/overview", "/"]) {
    const { headers } = await inspector.ask(path, {
      headers: { origin: "https://evil.example" },
    });
    for (const [name] of headers) {
      assert(!name.startsWith("access-control-"), name);
    }
    const policy = headers.get("content-security-policy")!;
    assertStringIncludes(policy, "default-src 'none'");
    assertStringIncludes(policy, "frame-ancestors 'none'");
    assert(!policy.includes("unsafe"), policy);
    assertEquals(headers.get("cross-origin-resource-policy"), "same-origin");
    assertEquals(headers.get("x-content-type-options"), "nosniff");
    assertEquals(headers.get("referrer-policy"), "no-referrer");
  }
  const page = await inspector.ask("");
  assertEquals(page.headers.get("content-type"), "text/html; charset=utf-8");
  assert(!/(src|href)="(?!data:)/.test(page.text));
});

Deno.test("mini inspect knows what it is not asked for", async () => {
  await using inspector = await Inspector.start(fixture("v1/whole"));
  for (const path of ["x", "api/", "api/lick", "api/overview/x", "../x"]) {
    const { status } = await inspector.ask(path);
    assert([403, 404].includes(status), `${path}: ${status}`);
  }
  for (
    const path of [
      "api/records?from=0&count=1",
      "api/records?from=x&count=1",
      "api/record",
      "api/state?at=-1",
      "api/search",
    ]
  ) {
    const { status, text } = await inspector.ask(path);
    assertEquals([status, JSON.parse(text).error.code], [400, "MISUSE"], path);
  }
  for (const method of ["POST", "PUT", "DELETE", "OPTIONS"]) {
    const { status } = await inspector.ask("api/overview", { method });
    assertEquals(status, 405, method);
  }
});

Deno.test("mini inspect says which flag it lacks, and what it cannot load or listen on", async () => {
  await using directory = new TestDirectory();
  const whole = fixture("v1/whole");
  const read = `--allow-read=${whole},${directory.path}`;
  const unheard = await mini(["inspect", whole], [read]);
  assertEquals([unheard.code, unheard.stdout], [1, ""]);
  assertStringIncludes(unheard.stderr, "--allow-net=127.0.0.1");
  const blind = await mini(["inspect", whole], ["--allow-net=127.0.0.1"]);
  assertEquals([blind.code, blind.stdout], [1, ""]);
  assertStringIncludes(blind.stderr, `--allow-read=`);
  const net = [read, "--allow-net=127.0.0.1"];
  const none = await mini([
    "inspect",
    whole,
    "--apply",
    directory.at("none.ts"),
  ], net);
  assertEquals([none.code, none.stdout], [2, ""]);
  assertStringIncludes(none.stderr, "Cannot load --apply");
  await Deno.writeTextFile(directory.at("empty.ts"), "export const x = 1;");
  const empty = await mini([
    "inspect",
    whole,
    "--apply",
    directory.at("empty.ts"),
  ], net);
  assertStringIncludes(empty.stderr, "does not export the options");
  await using inspector = await Inspector.start(whole);
  const { port } = inspector.url;
  const taken = await mini(["inspect", whole, "--port", port], net);
  assertEquals([taken.code, taken.stdout], [1, ""]);
  assertStringIncludes(taken.stderr, `port ${port}`);
});

Deno.test("mini inspect prints its address, and Ctrl-C ends it", async () => {
  if (Deno.build.os === "windows") {
    return skipped(
      "Ctrl-C",
      "Windows sends no signal to a process without a console",
    );
  }
  const whole = fixture("v1/whole");
  const child = new Deno.Command(Deno.execPath(), {
    args: miniCommand(["inspect", whole], [
      `--allow-read=${whole}`,
      "--allow-net=127.0.0.1",
    ]),
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  const reader = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  let printed = "";
  while (!printed.includes("Ctrl-C")) printed += (await reader.read()).value;
  assertMatch(
    printed,
    /journal\.jsonl\nhttp:\/\/127\.0\.0\.1:\d+\/[0-9a-f]{48}\/\n/,
  );
  child.kill("SIGINT");
  const { success, signal } = await child.status;
  await reader.cancel();
  assertEquals([success, signal], [false, "SIGINT"]);
});

Deno.test("mini inspect --actions lets the page act, on what it names or on all that there is", async () => {
  await using directory = new TestDirectory();
  {
    await using queue = await MiniQueue.open<string>(directory.path);
    await queue.enqueue("a");
  }
  const write = `--allow-write=${directory.path}`;
  const start = (option: string) =>
    Inspector.start(directory.path, [option], [], [write]);
  await using all = await start("--actions");
  const { actions, token } = await all.get("overview");
  assertEquals(actions, [
    "redrive",
    "cancel",
    "purge",
    "pause",
    "resume",
    "compact",
  ]);
  const cancelled = await all.ask("api/actions/cancel", {
    method: "POST",
    headers: { "x-mini-token": token, "sec-fetch-site": "same-origin" },
    body: '{"id":1}',
  });
  assertEquals(JSON.parse(cancelled.text).found, "cancelled");
  await using some = await start("--actions=pause,resume");
  assertEquals((await some.get("overview")).actions, ["pause", "resume"]);
  const refused = await some.ask("api/actions/cancel", { method: "POST" });
  assertEquals(refused.status, 403);
  const wrong = await mini(["inspect", directory.path, "--actions=stop"], [
    `--allow-read=${directory.path}`,
    "--allow-net=127.0.0.1",
  ]);
  assertEquals([wrong.code, wrong.stdout], [2, ""]);
  assertStringIncludes(wrong.stderr, '--actions has no "stop"');
});
