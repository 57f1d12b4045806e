import { assert, assertEquals, assertThrows } from "@std/assert";
import { fromFileUrl } from "@std/path";
import {
  type AnyMetrics,
  PROMETHEUS_TYPE,
  toPrometheus,
} from "@mini/state/prometheus";
import { MiniQueue } from "@mini/state/queue";
import type { StateMetrics } from "@mini/state/state";
import {
  type Histogram,
  MiniStore,
  type StoreMetrics,
} from "@mini/state/store";
import { MemoryFileSystem } from "@mini/state/testing";
import { openCounter } from "../support/counter.ts";
import { complaints, findPromtool } from "../support/promtool.ts";
import { skipped } from "../support/system.ts";

/** One value up to each bound, and one above. */
function some(...bounds: number[]): Histogram {
  const buckets = bounds.map((upTo) => ({ upTo, count: 1 }));
  return { count: bounds.length + 1, sum: 1_234, max: 900, buckets };
}

const STORE: StoreMetrics = {
  kind: "store",
  records: 3,
  bytes: 260,
  waiting: 1,
  failures: 0,
  rotations: 2,
  openMs: 12.5,
  commitMs: some(0.25, 1, 500),
  syncMs: some(),
  callers: some(1, 10),
};

const STATE: StateMetrics = {
  kind: "state",
  records: 7,
  aborted: 1,
  waiting: 0,
  openMs: 20,
  replayed: 5,
  snapshotFailures: 0,
  snapshotMs: some(1_000),
};

const STORE_GOLDEN = `\
# HELP mini_state_store_records_total Records that were acknowledged.
# TYPE mini_state_store_records_total counter
mini_state_store_records_total{name="shop"} 3
mini_state_store_records_total{name="logs"} 4
# HELP mini_state_store_written_bytes_total Bytes that were written for them.
# TYPE mini_state_store_written_bytes_total counter
mini_state_store_written_bytes_total{name="shop"} 260
mini_state_store_written_bytes_total{name="logs"} 260
# HELP mini_state_store_waiting Appends that wait to be acknowledged.
# TYPE mini_state_store_waiting gauge
mini_state_store_waiting{name="shop"} 1
mini_state_store_waiting{name="logs"} 1
# HELP mini_state_store_failures_total Commits that failed, with all their appends.
# TYPE mini_state_store_failures_total counter
mini_state_store_failures_total{name="shop"} 0
mini_state_store_failures_total{name="logs"} 0
# HELP mini_state_store_rotations_total Segments that were sealed.
# TYPE mini_state_store_rotations_total counter
mini_state_store_rotations_total{name="shop"} 2
mini_state_store_rotations_total{name="logs"} 2
# HELP mini_state_store_open_seconds How long opening took.
# TYPE mini_state_store_open_seconds gauge
mini_state_store_open_seconds{name="shop"} 0.0125
mini_state_store_open_seconds{name="logs"} 0.0125
# HELP mini_state_store_commit_seconds How long each commit took, from its first byte to its acknowledgement.
# TYPE mini_state_store_commit_seconds histogram
mini_state_store_commit_seconds_bucket{name="shop",le="0.00025"} 1
mini_state_store_commit_seconds_bucket{name="shop",le="0.001"} 2
mini_state_store_commit_seconds_bucket{name="shop",le="0.5"} 3
mini_state_store_commit_seconds_bucket{name="shop",le="+Inf"} 4
mini_state_store_commit_seconds_sum{name="shop"} 1.234
mini_state_store_commit_seconds_count{name="shop"} 4
mini_state_store_commit_seconds_bucket{name="logs",le="0.00025"} 1
mini_state_store_commit_seconds_bucket{name="logs",le="0.001"} 2
mini_state_store_commit_seconds_bucket{name="logs",le="0.5"} 3
mini_state_store_commit_seconds_bucket{name="logs",le="+Inf"} 4
mini_state_store_commit_seconds_sum{name="logs"} 1.234
mini_state_store_commit_seconds_count{name="logs"} 4
`;

Deno.test("toPrometheus() writes each family once, with a sample for each name", () => {
  const text = toPrometheus({
    shop: STORE,
    counter: STATE,
    logs: { ...STORE, records: 4 },
  });
  assertEquals(text.slice(0, STORE_GOLDEN.length), STORE_GOLDEN);
  const families = text.match(/^# TYPE \S+/gm)!;
  assertEquals(new Set(families).size, families.length);
  const state = text.slice(text.indexOf("# HELP mini_state_state_"));
  assertEquals(
    state.split("\n").filter((line) => !line.startsWith("#")),
    [
      'mini_state_state_records_total{name="counter"} 7',
      'mini_state_state_aborted_total{name="counter"} 1',
      'mini_state_state_waiting{name="counter"} 0',
      'mini_state_state_open_seconds{name="counter"} 0.02',
      'mini_state_state_replayed{name="counter"} 5',
      'mini_state_state_snapshot_failures_total{name="counter"} 0',
      'mini_state_state_snapshot_seconds_bucket{name="counter",le="1"} 1',
      'mini_state_state_snapshot_seconds_bucket{name="counter",le="+Inf"} 2',
      'mini_state_state_snapshot_seconds_sum{name="counter"} 1.234',
      'mini_state_state_snapshot_seconds_count{name="counter"} 2',
      "",
    ],
  );
});

Deno.test("toPrometheus() of nothing is empty", () => {
  assertEquals(toPrometheus({}), "");
  assertEquals(PROMETHEUS_TYPE, "text/plain; version=0.0.4; charset=utf-8");
});

Deno.test("toPrometheus() escapes names", () => {
  const text = toPrometheus({ 'a "b"\\c\nd': STATE });
  const [line] = text.split("\n").filter((line) => !line.startsWith("#"));
  assertEquals(
    line,
    'mini_state_state_records_total{name="a \\"b\\"\\\\c\\nd"} 7',
  );
});

Deno.test("toPrometheus() leaves out numbers that metrics of an older version lack", () => {
  const { aborted: _, ...older } = STATE;
  const text = toPrometheus({ older: older as StateMetrics });
  assert(!text.includes("aborted"));
});

Deno.test("toPrometheus() refuses what are no metrics, and names it", () => {
  for (const wrong of [{}, { kind: "constructor" }, undefined, 7]) {
    const metrics = { shop: STORE, wrong: wrong as unknown as AnyMetrics };
    assertThrows(() => toPrometheus(metrics), TypeError, '"wrong"');
  }
});

/** The metrics of a log and of a state that have done something. */
async function real(): Promise<Record<string, AnyMetrics>> {
  const fs = new MemoryFileSystem();
  await using log = await MiniStore.open<string>("/log/journal.jsonl", { fs });
  await Promise.all([log.append("a"), log.append("b")]);
  await log.rotate();
  await using counter = await openCounter("/state", { fs });
  await counter.apply({ by: 1 });
  await counter.createSnapshot();
  await using jobs = await MiniQueue.open<string>("/jobs", { fs });
  await jobs.enqueueBatch(["a", "b"].map((payload) => ({ payload })));
  await (await jobs.receive())?.ack();
  return {
    jobs: await jobs.metrics(),
    log: log.metrics(),
    'the \\ "counter"\nof ü': counter.metrics(),
    again: counter.metrics(),
  };
}

Deno.test("toPrometheus() writes the metrics of a queue", async () => {
  const lines = toPrometheus(await real()).split("\n");
  const samples = ["enqueued_total", "acked_total", "waiting", "in_flight"];
  assertEquals(
    samples.map((name) =>
      lines.find((line) =>
        line.startsWith(`mini_state_queue_${name}{name="jobs"} `)
      )?.split(" ").at(-1)
    ),
    ["2", "1", "1", "0"],
  );
});

const promtool = await findPromtool();
const READS = "promtool of Prometheus reads what toPrometheus() writes";
if (promtool === undefined) {
  skipped(READS, "there is no promtool on the PATH, nor in build/");
} else {
  Deno.test(READS, async () => {
    const text = toPrometheus(await real());
    assertEquals(await complaints(promtool, text), "");
    for (
      const [part, other] of [['"}', "}"], [" counter", " gauge"]] as const
    ) {
      assert(await complaints(promtool, text.replace(part, other)) !== "");
    }
  });
}

Deno.test("docs/OPERATIONS.md lists the families as toPrometheus() writes them", async () => {
  const text = toPrometheus(await real());
  const types = new Map(
    [...text.matchAll(/^# TYPE (\S+) (\S+)$/gm)]
      .map(([, name, type]) => [name, type]),
  );
  const written = [...text.matchAll(/^# HELP (\S+) (.*)$/gm)]
    .map(([, name, help]) => [`\`${name}\``, types.get(name!), help]);
  const page = new URL("../../docs/OPERATIONS.md", import.meta.url);
  const lines = (await Deno.readTextFile(fromFileUrl(page))).split("\n");
  const listed = lines.filter((line) => line.startsWith("| `mini_state_"))
    .map((line) => line.split("|").slice(1, -1).map((cell) => cell.trim()));
  assertEquals(listed, written);
});
