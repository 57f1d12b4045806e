/** Requests that want more of an inspector than it is for. */
import { assert, assertEquals, assertThrows } from "@std/assert";
import { ACTIONS, createInspector } from "@mini/state/inspect";
import { MiniQueue } from "@mini/state/queue";
import { TestDirectory } from "../support/dir.ts";
import { act, ask, get, MOUNT } from "../support/inspected.ts";
import { fixture, miniCommand } from "../support/mini.ts";
import { Said, SECRET } from "../support/said.ts";

/** Ways out of the folder, as a path of a request has them. */
const WAYS_OUT = [
  "../outside.txt",
  "..%2foutside.txt",
  "..%2f..%2f..%2f..%2fetc%2fpasswd",
  "%2e%2e/outside.txt",
  "..%5coutside.txt",
  "....//outside.txt",
  "api/../../outside.txt",
  "api/..%2foutside.txt",
  "api/overview/../../../outside.txt",
  "api/%2e%2e%2foutside.txt",
  "api/record?seq=../outside.txt",
  "api/records?from=..%2foutside.txt&count=9",
  "api/state?at=../outside.txt",
  "api/queue?at=../outside.txt",
  "api/search?text=root&path=../outside.txt",
  "outside.txt%00.html",
  "//outside.txt",
  "journal.jsonl",
];

Deno.test("no path of a request leads an inspector to a file", async () => {
  await using directory = new TestDirectory();
  await Deno.writeTextFile(directory.at("outside.txt"), SECRET);
  await using queue = await MiniQueue.open(directory.at("jobs"));
  await queue.enqueue("a");
  const inspector = createInspector(queue, { authorize: () => true });
  for (const way of WAYS_OUT) {
    for (const accept of ["text/html", "*/*"]) {
      const headers = { accept };
      // `new URL` would take some of the dots away.
      const request = new Request(`${MOUNT}${way}`, { headers });
      const response = await inspector.fetch(request);
      const text = await response.text();
      assert(!text.includes(SECRET) && !text.includes("root:"), way);
      assert(!text.includes('"mini":1'), way);
      // A browser is only led to the slash at the end.
      const to = response.headers.get("location");
      if (to === null) continue;
      const { origin, pathname } = new URL(request.url);
      assertEquals(new URL(to, request.url).href, `${origin}${pathname}/`);
    }
  }
  await inspector.close();
});

Deno.test("the token of an inspector is in its overview alone, and only for who may act", async () => {
  await using directory = new TestDirectory();
  await using queue = await MiniQueue.open(directory.path);
  await queue.enqueue("a");
  const inspector = createInspector(queue, {
    authorize: ({ headers }, action) =>
      headers.get("x-user") !== "nobody" &&
      (action === undefined || headers.get("x-user") !== "guest"),
    actions: ACTIONS,
  });
  const { token } = await get(inspector, "overview");
  assert(/^[0-9a-f]{48}$/.test(token));
  const answers = [""];
  const asked = async (path: string, init: RequestInit = {}) => {
    const response = await ask(inspector, path, init);
    const headers = JSON.stringify([...response.headers]);
    const reader = response.body!.pipeThrough(new TextDecoderStream())
      .getReader();
    // A live stream has no end.
    answers.push(`${headers} ${(await reader.read()).value}`);
    await reader.cancel();
  };
  const names = ["records?from=1&count=9", "record?seq=1", "queue", "live"];
  for (const path of ["", "x", ...names.map((name) => `api/${name}`)]) {
    await asked(path);
    await asked(path, { headers: { "x-mini-token": token } });
  }
  for (const user of ["nobody", "guest"]) {
    await asked("api/overview", { headers: { "x-user": user } });
  }
  const own = { "sec-fetch-site": "same-origin", "x-mini-token": token };
  for (const name of [...ACTIONS, "none"]) {
    for (const body of ["{", "[]", "{}", '{"which":"x"}']) {
      await asked(`api/actions/${name}`, {
        method: "POST",
        headers: own,
        body,
      });
    }
  }
  assertEquals(answers.filter((answer) => answer.includes(token)), []);
  const other = createInspector(queue, {
    authorize: () => true,
    actions: ACTIONS,
  });
  const { status } = await act(other, "pause", {}, { "x-mini-token": token });
  assertEquals(status, 403, "the token of another inspector");
  await inspector.close();
  await other.close();
});

/** Sends bytes to a port of this machine; gives the answer. */
async function raw(port: string, request: string): Promise<string> {
  using connection = await Deno.connect({
    hostname: "127.0.0.1",
    port: Number(port),
  });
  await connection.write(new TextEncoder().encode(request));
  return await new Response(connection.readable).text().catch(() => "");
}

Deno.test("mini inspect prints its address once, and tells it to nobody", async () => {
  const whole = fixture("v1/whole");
  const child = new Deno.Command(Deno.execPath(), {
    args: miniCommand(["inspect", whole, "--json"], [
      `--allow-read=${whole}`,
      "--allow-net=127.0.0.1",
    ]),
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const errors = new Response(child.stderr).text();
  const reader = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  let printed = "";
  while (!printed.includes("\n")) printed += (await reader.read()).value;
  const { port, pathname } = new URL(JSON.parse(printed).url);
  const token = pathname.slice(1, -1);
  const host = `Host: 127.0.0.1:${port}\r\nConnection: close\r\n\r\n`;
  const answers = [
    await raw(port, "nonsense\r\n\r\n"),
    await raw(port, `GET / HTTP/1.1\r\n${host}`),
    await raw(port, `GET /${token}/none HTTP/1.1\r\n${host}`),
    await raw(port, `GET /${token}/../../etc/passwd HTTP/1.1\r\n${host}`),
    await raw(port, `GET /${token}/api/state?at=-1 HTTP/1.1\r\n${host}`),
    await raw(port, `PUT /${token}/api/overview HTTP/1.1\r\n${host}`),
    await raw(
      port,
      `GET /${token}/ HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n`,
    ),
    await raw(
      port,
      `GET http://evil.example/${token}/ HTTP/1.1\r\n${host}`,
    ),
  ];
  child.kill("SIGKILL");
  for (let more = await reader.read(); !more.done;) {
    printed += more.value;
    more = await reader.read();
  }
  await child.status;
  assertEquals(printed.split(token).length, 2);
  const elsewhere = answers.join("\n") + await errors;
  assert(!elsewhere.includes(token), elsewhere);
  assert(!elsewhere.includes("root:"), elsewhere);
  for (const answer of answers.slice(1)) {
    assert(/^HTTP\/1\.1 4\d\d /.test(answer), answer.slice(0, 80));
  }
});

Deno.test("a secret in a cause, a field or a text is one that the tests of secrets see", () => {
  const told: unknown[] = [
    SECRET,
    new Error("a", { cause: new Error(SECRET) }),
    Object.assign(new Error("a"), { record: { deep: [[[{ SECRET }]]] } }),
  ];
  for (const what of told) {
    const said = new Said();
    said.add(what);
    assertThrows(() => said.check("here"));
  }
});
