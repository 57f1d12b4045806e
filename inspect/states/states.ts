import {
  bareMessage,
  currentView,
  fingerprint,
  isQueue,
  isRustLog,
  type JournalContext,
  KnownAborts,
  type LogSummary,
  QUEUE,
  QueueOnDisk,
  readOnlyLog,
  type ReducerOptions,
  StateMaker,
  stateParts,
  steadily,
  summarizeDamagedLog,
} from "../../admin/internal.ts";
import { collect } from "../../base/collect.ts";
import { MiniError } from "../../base/errors.ts";
import type { Ledger } from "../../queue/mod.ts";
import type { StateAnswer } from "../api_types.ts";
import type { Redactor } from "../redact.ts";
import { diff } from "./diff.ts";
import { pruned } from "./prune.ts";

const MAX_CHANGES = 200;
const MAX_MUTATIONS = 100;

/** The states of a journal, and what changes them. */
export class States {
  readonly #context: JournalContext;
  readonly #given: StateMaker | undefined;
  readonly #queue: StateMaker;
  readonly #redactor: Redactor;
  readonly #aborts: KnownAborts = new KnownAborts();
  #log = "";
  #last = 0;
  #turn: Promise<unknown> = Promise.resolve();

  constructor(
    context: JournalContext,
    program: ReducerOptions | undefined,
    redactor: Redactor,
  ) {
    this.#context = context;
    this.#redactor = redactor;
    this.#given = program && new StateMaker(context, program);
    this.#queue = new StateMaker(context, QUEUE);
  }

  /** The state as of record `at`, and what that record has changed. */
  view(at: number, signal: AbortSignal): Promise<StateAnswer> {
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
  ): Promise<Omit<StateAnswer, "madeBy">> {
    const isRecord = at >= found.first && at <= found.last;
    const before = isRecord
      ? await maker.make(found, at - 1, signal).catch(unlessAbsent)
      : undefined;
    const was = before && await this.#shown(maker, before.state, at - 1);
    const made = await maker.make(found, at, signal);
    const { state, isAborted, rejected, isUnsure } = made;
    const is = await this.#shown(maker, state, at);
    return {
      at,
      isAborted,
      rejected: this.#errors(rejected),
      isUnsure,
      ...pruned(is),
      ...(before !== undefined && { changes: diff(was, is, MAX_CHANGES) }),
    };
  }

  /** A state as it may be shown. */
  async #shown(
    maker: StateMaker,
    state: unknown,
    seq: number,
  ): Promise<unknown> {
    const where = { kind: "state", seq } as const;
    return this.#redactor.value(await maker.shown(state), where);
  }

  #errors(messages: readonly string[]): string[] {
    return messages.map((message) => this.#redactor.error(message));
  }

  /** The parts of a state, if no program was given to rebuild it. */
  async #parts(found: LogSummary, at: number): Promise<StateAnswer> {
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
      ...("state" in rest && pruned(
        this.#redactor.value(rest.state, { kind: "state", seq: snapshot }),
      )),
      snapshot,
      isAborted: aborts.has(at),
      mutations: mutations.map(({ seq, mutation }) => ({
        seq,
        mutation: pruned(
          this.#redactor.value(mutation, { kind: "mutation", seq }),
        ).state,
      })),
      rejected: this.#errors(
        parts.rejected.map(({ error }) => bareMessage(error)),
      ),
      isUnsure: this.#aborts.isCut,
    };
  }
}

/** Where the state before cannot be made, there is none to compare with. */
function unlessAbsent(error: unknown): undefined {
  const code = error instanceof MiniError ? error.code : "";
  if (code !== "COMPACTED" && code !== "CORRUPT") throw error;
}
