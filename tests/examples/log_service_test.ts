import { assert, assertEquals } from "@std/assert";
import { MiniStore } from "@mini/state/store";
import { TestDirectory } from "../support/dir.ts";
import { Service } from "../support/service.ts";

const start = (directory: TestDirectory) =>
  Service.start(directory, "log_service.ts", ["./log", "0"]);

/** The records on disk. */
async function recordsIn(directory: TestDirectory): Promise<unknown[]> {
  const records = MiniStore.replay(directory.at("log/journal.jsonl"));
  return await Array.fromAsync(records, ({ data }) => data);
}

const event = (seq: number, data: unknown) =>
  `id: ${seq} data: ${JSON.stringify(data)}`;

Deno.test("examples/log_service.ts streams a body into the log, and the log to readers, also after it was killed", async () => {
  await using directory = new TestDirectory();
  const numbers = Array.from({ length: 20_000 }, (_, at) => at + 1);
  {
    await using service = await start(directory);
    await using live = await service.events("/");
    const body = numbers.map((at) => `{"at":${at}}\n`).join("");
    assertEquals(await service.ask("POST /", body), "204");
    for (const at of numbers) {
      assertEquals(await live.next(), event(at, { at }));
    }
    await service.program.kill();
  }
  await using service = await start(directory);
  await using missed = await service.events("/", 19_999);
  assertEquals(await missed.next(), event(20_000, { at: 20_000 }));
  await service.ask("POST /", '"more"');
  assertEquals(await missed.next(), event(20_001, "more"));
});

Deno.test("examples/log_service.ts refuses what is no JSON, and keeps no more than what is before it", async () => {
  await using directory = new TestDirectory();
  await using service = await start(directory);
  const broken = await service.ask("POST /", "1\n2\n{\n4\n");
  assert(broken.startsWith("400 "), broken);
  const found = await recordsIn(directory);
  assertEquals(found, [1, 2].slice(0, found.length));
  const refusals = [
    ["POST /", "[1e999]", "422 "],
    ["PUT /", "1", "405"],
  ] as const;
  for (const [request, body, answer] of refusals) {
    const said = await service.ask(request, body);
    assert(said.startsWith(answer), said);
  }
  const number = { "last-event-id": "x" };
  const answer = await service.ask("GET /", undefined, number);
  assertEquals(answer, "400 no number: x");
  assertEquals(await recordsIn(directory), found);
});

if (Deno.build.os !== "windows") {
  Deno.test("examples/log_service.ts ends its streams when asked to, and when its log is taken away", async () => {
    await using directory = new TestDirectory();
    {
      await using service = await start(directory);
      await using left = await service.events("/");
      await left[Symbol.asyncDispose]();
      await using events = await service.events("/");
      await service.ask("POST /", "1");
      assertEquals(await events.next(), event(1, 1));
      const stopped = service.program.stop();
      assertEquals(await events.next(), undefined);
      const { code, stdout, stderr } = await stopped;
      assertEquals([code, stderr], [0, ""]);
      assertEquals(stdout, "stopped after record 1");
    }
    await using service = await start(directory);
    await Deno.remove(directory.at("log/journal.jsonl"));
    assert((await service.ask("POST /", "2")).startsWith("503 "));
    assertEquals((await service.program.end()).code, 1);
  });
}
