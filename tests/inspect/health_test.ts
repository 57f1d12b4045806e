import { assert, assertEquals } from "@std/assert";
import { createInspector } from "@mini/state/inspect";
import { MiniQueue } from "@mini/state/queue";
import { MiniStore } from "@mini/state/store";
import { MemoryFileSystem } from "@mini/state/testing";
import { openCounter } from "../support/counter.ts";
import { get } from "../support/inspected.ts";
import { fixture } from "../support/mini.ts";

const authorize = () => true;

function brief(
  { health: { status, reasons } }: {
    health: { status: string; reasons: readonly { code: string }[] };
  },
): string {
  return [status, ...reasons.map(({ code }) => code)].join(" ");
}

Deno.test("an inspector of files tells the health that they show", async () => {
  const fs = new MemoryFileSystem();
  {
    await using counter = await openCounter("/data", { fs });
    await counter.apply({ by: 1 });
  }
  const inspector = createInspector("/data", { fs, authorize });
  assertEquals(brief(await get(inspector, "overview")), "ok");
  fs.capacityBytes = 0;
  assertEquals(
    brief(await get(inspector, "overview")),
    "degraded DISK_NEARLY_FULL",
  );
  fs.capacityBytes = Infinity;
  const path = "/data/journal.jsonl";
  const log = new TextDecoder().decode(fs.content(path));
  fs.put(path, new TextEncoder().encode(`${log}{"crc":"`));
  assertEquals(brief(await get(inspector, "overview")), "degraded TORN");
  await inspector.close();

  const damaged = createInspector(fixture("v1/flipped"), { authorize });
  const overview = await get(damaged, "overview");
  assertEquals(brief(overview), "failed DAMAGED");
  const [reason] = overview.health.reasons;
  assertEquals(reason.message, overview.problems[0].message);
  await damaged.close();
});

Deno.test("an inspector of a log, a state or a queue that is open tells its health", async () => {
  const [fs, memory] = [new MemoryFileSystem(), new MemoryFileSystem()];
  const state = await openCounter("/data", { fs });
  const hidden = createInspector(state, {
    authorize,
    redact: (value, { kind }) => kind === "error" ? "hidden" : value,
  });
  const inspector = createInspector(state, { authorize, fs });
  await state.apply({ by: 1 });
  assertEquals(brief(await get(inspector, "overview")), "ok");
  fs.hooks.before = ({ operation }) =>
    operation === "sync" ? { code: "EIO" } : undefined;
  await state.apply({ by: 1 }).catch(() => {});
  const { health, live } = await get(inspector, "overview");
  assertEquals(health.status, "failed");
  const [{ code, severity, message }] = health.reasons;
  assertEquals([code, severity], ["POISONED", "failed"]);
  assert(message.includes(live.failure.message), message);
  assertEquals((await get(hidden, "overview")).health.reasons, [
    { code: "POISONED", severity: "failed", message: "hidden" },
  ]);
  await inspector.close();
  await hidden.close();
  await state.close();

  const store = await MiniStore.open<string>("/log/journal.jsonl", {
    fs: memory,
  });
  await store.append("a");
  const other = createInspector(store, { authorize, fs: memory });
  assertEquals(brief(await get(other, "overview")), "ok");
  await store.close();
  assertEquals(brief(await get(other, "overview")), "failed CLOSED");
  await other.close();

  const queue = await MiniQueue.open<string>("/jobs", { fs: memory });
  await queue.enqueue("hello");
  const jobs = createInspector(queue, { authorize, fs: memory });
  assertEquals(brief(await get(jobs, "overview")), "ok");
  await (await queue.receive())?.deadLetter("nobody wants it");
  assertEquals(brief(await get(jobs, "overview")), "degraded DEAD_LETTERS");
  await jobs.close();
  await queue.close();
});
