import { assert, assertEquals } from "@std/assert";
import { TestDirectory } from "../support/dir.ts";
import { Service } from "../support/service.ts";

const start = (directory: TestDirectory) =>
  Service.start(directory, "video_encoder.ts", ["./films", "0"]);

/** Asks for a job until it is so. */
async function until(
  service: Service,
  id: number,
  isSo: (job: Record<string, unknown>) => boolean,
): Promise<Record<string, unknown>> {
  for (;;) {
    const job = await (await service.fetch(`GET /jobs/${id}`)).json();
    if (isSo(job)) return job;
  }
}

Deno.test("examples/video_encoder.ts says how far a job is, cancels it, and keeps results over a restart", async () => {
  await using directory = new TestDirectory();
  {
    await using service = await start(directory);
    const posted = await service.ask("POST /jobs", "3");
    assertEquals(posted, '202 {"id":1,"deduplicated":false}');
    await service.ask("POST /jobs", "100000000");
    await service.ask("POST /jobs", "100000000");
    await until(service, 1, ({ state }) => state === "done");
    await until(service, 2, ({ progress }) => Number(progress) >= 100);
    assertEquals(await service.ask("DELETE /jobs/2"), "200 stopping");
    assertEquals(await service.ask("DELETE /jobs/2"), "200 finished");
    assertEquals(await service.ask("DELETE /jobs/9"), "404 unknown");
    assertEquals(await service.ask("GET /jobs/9"), "404 no such job");
    assertEquals(
      await service.ask("POST /jobs", "many"),
      "422 how many frames?",
    );
    await until(service, 3, ({ progress }) => Number(progress) >= 100);
  }
  await using service = await start(directory);
  const { result } = await until(service, 1, ({ state }) => state === "done");
  assertEquals(result, "film-3.webm");
  const { state, reason } = await until(service, 2, () => true);
  assertEquals([state, reason], ["cancelled", "somebody has cancelled it"]);
  // It continues where it was.
  const { progress } = await until(
    service,
    3,
    ({ state }) => state === "inFlight",
  );
  assert(Number(progress) >= 100, `it is at ${progress}`);
  assertEquals(await service.ask("DELETE /jobs/3"), "200 stopping");
});
