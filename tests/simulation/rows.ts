/** Every row of the tables in docs/FORMAT.md and docs/DURABILITY.md that shows from outside, by its place there. */
const NAMES = [
  // Torn or corrupt?
  "end: clean",
  "end: unclean",
  "sealed segment: damaged",
  "sealed segment: no header",
  "sealed segment: name and header disagree",
  "segment: of another journal",
  "segment: base does not meet the one before",
  "segment: prev does not meet the one before",
  "unfinished: no active segment behind a sealed one",
  "unfinished: a beginning of a header, and nothing names the log",
  "unfinished: NULs in place of a header, or behind it, and nothing names the log",
  "header: another version",
  "header: lost, sealed segments stand beside it",
  "header: lost, the lock names the log",
  "header: damaged",
  "header: not a journal",
  "bad line: a later line says that it was durable",
  "bad line: the record it should hold stands behind it",
  "last line: whole but for its newline",
  "last line: whole but for its newline, NULs behind it",
  "tail: NULs to the end",
  "tail: sectors missing",
  "bad line: has a newline",
  "last line: cut short",
  "tail: stray text",
  "line: a number that does not follow on",
  "line: over maxRecordBytes",
  "torn: the tail is kept in .torn",
  "temporary file: removed on opening",
  // When a write fails
  "fsync fails: poisoned",
  "write ENOSPC: taken back",
  "write EDQUOT: taken back",
  "write EFBIG: taken back",
  "taken back: that fails as well, poisoned",
  "write fails otherwise: poisoned",
  "rotation fails: reported, the log continues",
  "rotation fails: the append that set it off has succeeded",
  "rotation: a directory sync fails, poisoned",
  "compaction fails: reported, the log continues",
  "active file removed: poisoned",
  "active file replaced: poisoned",
  "active file cut: poisoned",
  "active file grown: poisoned",
  "mark of close fails: taken back",
  // Lock
  "lock: held by another handle",
  "lock: removed, poisoned",
  // Snapshots
  "snapshot: the newest is whole",
  "snapshot: none, from the first record",
  "snapshot: damaged, the one before it",
  "snapshot: damaged, and no other, from the first record",
  "snapshot: none reaches the log, corrupt",
  "snapshot: ahead of the log",
  "snapshot: the log is lost",
  "snapshot: of another journal",
  "snapshot: of a newer version",
  "snapshot: fails, the log continues",
  // Synchronous appends
  "appendSync: with the appends that wait",
  "appendSync: busy, nothing written",
  // Followers in other processes
  "follower: continues",
  "follower: what it has read was rewritten",
  "follower: what is durable stays",
  // Consumers
  "consumer: what it has committed outlives its process",
  "consumer: what it has committed is gone",
  // Jobs
  "job: its result outlives its process",
  "job: cancelled, and stays so",
  "job: acknowledged before its cancel",
  "job: cancelled before its ack",
  "job: beyond the limits, gone",
  "job: durable progress outlives a power cut",
  // The inbox
  "inbox: what was posted outlives a power cut",
  "inbox: posted while no process ran, taken in",
  // Schedules
  "schedule: missed while no process ran, made up for",
  // Apply
  "abort: on record",
  "abort: not on record, found on replay",
  "abort: meets a full disk, recorded with room",
  "abort: of a state that no code changes",
  "roll-back: refused, a later line proves it",
  "roll-back: refused, a snapshot proves it",
  "roll-back: refused, the mark of a clean end proves it",
  "roll-back: undecided, nothing written, newer code finds it",
  "roll-back: undecided, written on, left out for good",
  // Beside the writer
  "view: continues",
  "view: starts over, what it showed was taken back",
  "view: takes over with the state that it has",
  "view of a queue: shows what its owner shows",
] as const;

/** The name of a row. */
export type Row = (typeof NAMES)[number];

/** How often each row was met. */
export class Coverage {
  readonly #counts = new Map<Row, number>(NAMES.map((name) => [name, 0]));

  hit(row: Row): void {
    this.#counts.set(row, this.#counts.get(row)! + 1);
  }

  /** Adds what was met elsewhere. */
  add(table: readonly [count: number, row: Row][]): void {
    for (const [count, row] of table) {
      this.#counts.set(row, this.#counts.get(row)! + count);
    }
  }

  /** The rows with their counts, rarest last. */
  get table(): [count: number, row: Row][] {
    return [...this.#counts].map(([row, count]) => [count, row]);
  }
}
