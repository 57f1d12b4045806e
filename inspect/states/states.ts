import type { JournalContext } from "../../store/internal.ts";
import { bareMessage } from "../../admin/finding.ts";
import type { Ledger } from "../../queue/mod.ts";
import { MiniError } from "../../base/errors.ts";
import { collect } from "../../base/collect.ts";
import {
  type LogSummary,
  summarizeDamagedLog,
} from "../../admin/read/log_summary.ts";
import { currentView, isQueue, QueueOnDisk } from "../../admin/read/ledger.ts";
import { readOnlyLog, steadily } from "../../admin/read/read_only.ts";
import { isRustLog, stateParts } from "../../admin/read/state_parts.ts";
import { fingerprint } from "../../admin/read/follow.ts";
import { type Change, diff } from "./diff.ts";
import { KnownAborts } from "./known_aborts.ts";
import { QUEUE, StateMaker } from "./maker.ts";
import type { Program } from "../definition.ts";
import { pruned } from "../prune.ts";

/** A state as of a record, as the page shows it. */
export interface StateView {
  readonly at: number;
  /** The maker of the state: the given program, the reducer of queues, or nothing, if no program was given. */
  readonly madeBy: "program" | "queue" | "nothing";
  /** The state, or the snapshot that it is made from, if there is one. */
  readonly state?: unknown;
  /** How many values were left out of it. */
  readonly leftOut: number;
  /** The record that the snapshot stands at which is shown in its place, 0 where there is none. */
  readonly snapshot?: number;
  /** Whether record `at` has no effect. */
  readonly isAborted: boolean;
  /** The changes of record `at`. */
  readonly changes?: readonly Change[];
  /** The last mutations up to `at` after the snapshot. */
  readonly mutations?: readonly { seq: number; mutation: unknown }[];
  /** The problems of snapshots that were skipped. */
  readonly rejected: readonly string[];
  /** Whether a damage has kept from finding out whether record `at` was aborted behind it. */
  readonly isUnsure: boolean;
}

const MAX_CHANGES = 200;
const MAX_MUTATIONS = 100;

/** The states of a journal, and what changes them. */
export class States {
  readonly #context: JournalContext;
  readonly #given: StateMaker | undefined;
  readonly #queue: StateMaker;
  readonly #aborts: KnownAborts = new KnownAborts();
  #log = "";
  #last = 0;
  #turn: Promise<unknown> = Promise.resolve();

  constructor(context: JournalContext, program: Program | undefined) {
    this.#context = context;
    this.#given = program && new StateMaker(context, program);
    this.#queue = new StateMaker(context, QUEUE);
  }

  /** The state as of record `at`, and what that record has changed. */
  view(at: number, signal: AbortSignal): Promise<StateView> {
    return this.#alone(signal, async (found) => {
      if (this.#given !== undefined) {
        const view = await this.#view(this.#given, found, at, signal);
        return { ...view, madeBy: "program" };
      }
      if (!await isQueue(this.#context, found)) {
        return await this.#parts(found, at);
      }
      const view = await this.#view(this.#queue, found, at, signal);
      return { ...view, madeBy: "queue" };
    });
  }

  /** A queue as of record `at`, or as it is now; `undefined` where the journal is that of none. */
  queue(
    at: number | undefined,
    signal: AbortSignal,
  ): Promise<QueueOnDisk | undefined> {
    return this.#alone(signal, async (found) => {
      if (!await isQueue(this.#context, found)) return undefined;
      const sequence = Math.min(at ?? found.last, found.last);
      const { state } = await this.#queue.make(found, sequence, signal);
      const ledger = state as Ledger;
      // Delays of the past are those at the time of the record.
      const view = sequence < found.last
        ? { ledger, now: ledger.at, drift: ledger.drift }
        : currentView(ledger);
      return new QueueOnDisk(view, sequence);
    });
  }

  /** One at a time: each continues from the states of the others. */
  #alone<T>(
    signal: AbortSignal,
    make: (found: LogSummary) => Promise<T>,
  ): Promise<T> {
    const made = this.#turn.then(() => {
      signal.throwIfAborted();
      // What stands before a damage can be shown.
      return steadily(this.#context, async (found) => {
        await this.#forgetOthers(found);
        return await make(found);
      }, summarizeDamagedLog);
    });
    this.#turn = made.catch(() => {});
    return made;
  }

  /** Forgets states of a log that was replaced. */
  async #forgetOthers({ logId, last }: LogSummary): Promise<void> {
    const [identity] = (await fingerprint(this.#context)).split(" ");
    const log = `${logId} ${identity}`;
    if (log !== this.#log || last < this.#last) {
      this.#aborts.clear();
      this.#given?.clear();
      this.#queue.clear();
    }
    this.#log = log;
    this.#last = last;
  }

  async #view(
    maker: StateMaker,
    found: LogSummary,
    at: number,
    signal: AbortSignal,
  ): Promise<Omit<StateView, "madeBy">> {
    const isRecord = at >= found.first && at <= found.last;
    const before = isRecord
      ? await maker.make(found, at - 1, signal).catch(unlessAbsent)
      : undefined;
    const was = before && await maker.shown(before.state);
    const made = await maker.make(found, at, signal);
    const { state, isAborted, rejected, isUnsure } = made;
    const is = await maker.shown(state);
    return {
      at,
      isAborted,
      rejected,
      isUnsure,
      ...pruned(is),
      ...(before !== undefined && { changes: diff(was, is, MAX_CHANGES) }),
    };
  }

  /** The parts of a state, if no program was given to rebuild it. */
  async #parts(found: LogSummary, at: number): Promise<StateView> {
    const log = readOnlyLog(this.#context, found);
    const isRust = isRustLog(found);
    const { aborts } = await this.#aborts.of(log, isRust, found.first);
    const parts = await stateParts(this.#context, found, at, aborts);
    const { snapshot, ...rest } = parts.start;
    const from = Math.max(snapshot, found.first - 1, at - MAX_MUTATIONS) + 1;
    const mutations = (await collect(parts.mutations(from)))
      .slice(-MAX_MUTATIONS);
    return {
      at,
      madeBy: "nothing",
      leftOut: 0,
      ...("state" in rest && pruned(rest.state)),
      snapshot,
      isAborted: aborts.has(at),
      mutations: mutations.map(({ seq, mutation }) => ({
        seq,
        mutation: pruned(mutation).state,
      })),
      rejected: parts.rejected.map(({ error }) => bareMessage(error)),
      isUnsure: this.#aborts.isCut,
    };
  }
}

/** Where the state before cannot be made, there is none to compare with. */
function unlessAbsent(error: unknown): undefined {
  const code = error instanceof MiniError ? error.code : "";
  if (code !== "COMPACTED" && code !== "CORRUPT") throw error;
}
