import type { Findings, Found } from "./results.ts";

/** Something that is to hold, and what was reached. */
export interface Goal {
  readonly what: string;
  readonly aim: string;
  readonly reached: string;
  readonly isMet: boolean;
}

const SYNC = "ours, appendSync";

/** The result of each goal whose measures were made. */
export function goals(findings: readonly Findings[]): Goal[] {
  const run = new Run(findings);
  const of = (ids: readonly string[], goals: (run: Run) => Goal[]) =>
    ids.every((id) => run.has(id)) ? goals(run) : [];
  return [
    ...of("append-1 append-8 append-64 append-1024 batch".split(" "), ofLog),
    ...of("read open snapshot view".split(" "), ofState),
    ...of("enqueue-64 drain-64 latency".split(" "), ofQueue),
    ...of(["page"], ofPage),
  ];
}

function ofLog(run: Run): Goal[] {
  const alone = run.found("append-1", "ours").median;
  const { cpuUs } = run.found("append-1024", "ours").median;
  const bytes = "bytes over the payload, 1 caller";
  return [
    ...run.timesOther("append-1", 0.95, ["ours", "awaited write + fsync"]),
    ...run.ofFloor("append-1", 0.95, SYNC),
    ...run.timesOther("append-1", 0.9, [SYNC, "better-sqlite3"]),
    run.timesBest("append-8", 1.6),
    run.timesBest("append-64", 1.8),
    run.timesBest("append-1024", 2),
    atMost("CPU time of each, 1,024 callers", 1.6, cpuUs!, "µs"),
    run.timesBest("batch", 1.1),
    atMost(bytes, 45, alone.overheadBytes!, "bytes"),
  ];
}

function ofState(run: Run): Goal[] {
  const read = run.found("read", "ours, a state").median;
  const open = run.found("open", "ours, from a snapshot").median;
  const made = run.found("snapshot", "ours").median;
  const view = run.found("view", "ours").median;
  const times = open.ms! / run.of("open").floor.ms!;
  const beyond = "memory beyond the state while it is opened";
  const opening = "longest stall while it is opened from a snapshot";
  const making = "longest stall while a snapshot is made";
  return [
    run.timesBest("read", 1.2, "ours, a state"),
    ...run.ofFloor("read", 0.85, "ours, a state without snapshots"),
    atMost(beyond, 80, read.beyondMiB!, "MiB"),
    atMost("opening from a snapshot", 1.2, times, "times the floor"),
    atMost(opening, 50, open.stallMs!, "ms"),
    atMost("making a snapshot", 400, made.ms!, "ms"),
    atMost(making, 25, made.stallMs!, "ms"),
    atMost(`p99 of the lag of ${run.of("view").what}`, 100, view.p99!, "ms"),
    atMost("CPU time that it costs the writer", 5, view.costPercent!, "% more"),
  ];
}

function ofQueue(run: Run): Goal[] {
  const p99 = run.found("latency", "ours").median.p99! /
    Math.min(...run.peers("latency").map(({ median }) => median.p99!));
  const cpuOf = (id: string, aim: number) => {
    const { cpuUs } = run.found(id, "ours").median;
    return atMost(`${run.of(id).what}: CPU time of each`, aim, cpuUs!, "µs");
  };
  return [
    run.timesBest("enqueue-64", 4),
    run.timesBest("drain-64", 8),
    cpuOf("enqueue-64", 7),
    cpuOf("drain-64", 9),
    atMost("p99 from enqueue to the consumer", 0.4, p99, "of the best peer's"),
  ];
}

function ofPage(run: Run): Goal[] {
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

  /** Nothing if it was not measured. */
  ofFloor(id: string, aim: number, name: string): Goal[] {
    const found = this.of(id).found.find((found) => found.name === name);
    if (found === undefined) return [];
    const what = `${this.of(id).what}: ${name}`;
    return [atLeast(what, aim, found.ratio, "of the floor")];
  }

  /** Nothing if it was not measured. */
  timesOther(id: string, aim: number, [name, other]: [string, string]): Goal[] {
    const { what, found } = this.of(id);
    const rateOf = (name: string) =>
      found.find((found) => found.name === name)?.median.rate;
    const [rate, otherRate] = [rateOf(name), rateOf(other)];
    if (rate === undefined || otherRate === undefined) return [];
    const unit = `times ${other}`;
    return [atLeast(`${what}: ${name}`, aim, rate / otherRate, unit)];
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
