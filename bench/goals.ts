import type { Findings, Found } from "./results.ts";

/** Something that is to hold, and what was reached. */
export interface Goal {
  readonly what: string;
  readonly aim: string;
  readonly reached: string;
  readonly isMet: boolean;
}

/** The result of each goal in a run of everything. */
export function goals(findings: readonly Findings[]): Goal[] {
  const run = new Run(findings);
  return [...ofLog(run), ...ofState(run), ...ofQueue(run), ...ofPage(run)];
}

function ofLog(run: Run): Goal[] {
  const ofFloor = (id: string, aim: number) =>
    atLeast(run.of(id).what, aim, run.found(id, "ours").ratio, "of the floor");
  const bytes = [1, 64].map((callers) => {
    const { median } = run.found(`append-${callers}`, "ours");
    const what = `bytes over the payload, callers: ${callers}`;
    return atMost(what, 45, median.overheadBytes!, "bytes");
  });
  return [
    ofFloor("append-1", 0.8),
    run.timesBest("append-8", 2),
    run.timesBest("append-64", 3),
    ofFloor("append-64", 0.45),
    run.timesBest("append-1024", 4),
    run.timesBest("batch", 1.2),
    run.timesBest("read", 1),
    ...bytes,
  ];
}

function ofState(run: Run): Goal[] {
  const read = run.found("read", "ours, a state").median;
  const open = run.found("open", "ours, from a snapshot").median;
  const made = run.found("snapshot", "ours").median;
  const view = run.found("view", "ours").median;
  const times = open.ms! / run.of("open").floor.ms!;
  const beyond = "memory beyond the state while it is opened";
  const opening = "longest stall while a state is opened";
  const making = "longest stall while a snapshot is made";
  return [
    run.timesBest("read", 1.3, "ours, a state"),
    atMost(beyond, 64, read.beyondMiB!, "MiB"),
    atMost(opening, 50, read.stallMs!, "ms"),
    atMost("opening from a snapshot", 1.3, times, "times the floor"),
    atMost("making a snapshot", 250, made.ms!, "ms"),
    atMost(making, 20, made.stallMs!, "ms"),
    atMost(`p99 of the lag of ${run.of("view").what}`, 100, view.p99!, "ms"),
    atMost("CPU time that it costs the writer", 5, view.costPercent!, "% more"),
  ];
}

function ofQueue(run: Run): Goal[] {
  const enqueue = run.found("enqueue-1", "ours").median.rate! /
    run.found("append-1", "node:sqlite").median.rate!;
  const p99 = run.found("latency", "ours").median.p99! /
    Math.min(...run.peers("latency").map(({ median }) => median.p99!));
  const { what } = run.of("enqueue-1");
  return [
    atLeast(what, 0.9, enqueue, "of an append of node:sqlite"),
    run.timesBest("enqueue-64", 4),
    run.timesBest("drain-1", 1.5),
    run.timesBest("drain-64", 8),
    atMost("p99 from enqueue to the consumer", 0.5, p99, "of the best peer's"),
  ];
}

/** Without a browser the page is not measured. */
function ofPage(run: Run): Goal[] {
  if (!run.has("page")) return [];
  const { ms, stallMs } = run.found("page", "ours").median;
  return [
    atMost("the page of a log of a gigabyte: open", 1_000, ms!, "ms"),
    atMost("its longest stall while it scrolls", 100, stallMs!, "ms"),
  ];
}

/** Everything that was found in a run. */
class Run {
  readonly #findings: readonly Findings[];

  constructor(findings: readonly Findings[]) {
    this.#findings = findings;
  }

  has(id: string): boolean {
    return this.#findings.some((findings) => findings.id === id);
  }

  of(id: string): Findings {
    return this.#findings.find((findings) => findings.id === id)!;
  }

  found(id: string, name: string): Found {
    return this.of(id).found.find((found) => found.name === name)!;
  }

  /** The others that survive a power cut. */
  peers(id: string): readonly Found[] {
    return this.of(id).found.filter(({ name, isDurable }) =>
      isDurable && !name.startsWith("ours")
    );
  }

  timesBest(id: string, aim: number, name: string = "ours"): Goal {
    const [best] = this.peers(id).toSorted((a, b) =>
      b.median.rate! - a.median.rate!
    );
    const ratio = this.found(id, name).median.rate! / best!.median.rate!;
    const what = `${this.of(id).what}: ${name}`;
    return atLeast(what, aim, ratio, `times ${best!.name}, the best peer`);
  }
}

function atLeast(
  what: string,
  aim: number,
  reached: number,
  unit: string,
): Goal {
  const isMet = reached >= aim;
  return { what, aim: `≥ ${aim} ${unit}`, reached: reached.toFixed(2), isMet };
}

function atMost(
  what: string,
  aim: number,
  reached: number,
  unit: string,
): Goal {
  const isMet = reached <= aim;
  const digits = reached < 10 ? 2 : 0;
  const text = reached.toFixed(digits);
  return { what, aim: `≤ ${aim} ${unit}`, reached: text, isMet };
}
