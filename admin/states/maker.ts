import { isInParts } from "../../base/codec.ts";
import type { JournalContext } from "../../store/internal.ts";
import { bareMessage } from "../finding.ts";
import { ledgerCodec } from "../../queue/internal.ts";
import { type SnapCodec, SnapStore } from "../../snap/mod.ts";
import { rebuild, rebuildSources } from "../../state/internal.ts";
import { collect } from "../../base/collect.ts";
import { QUEUE_REDUCER } from "../read/ledger.ts";
import type { LogSummary } from "../read/log_summary.ts";
import { readOnlyLog } from "../read/read_only.ts";
import { AS_WRITTEN } from "../read/snapshot_check.ts";
import { assertReached, isRustLog } from "../read/state_parts.ts";
import { Checkpoints } from "./checkpoints.ts";
import { KnownAborts } from "./known_aborts.ts";
import type { StateOptions } from "../../state/mod.ts";

/** The options of a state that rebuilding it from disk takes. */
export type ReducerOptions = Pick<
  StateOptions<unknown, unknown>,
  | "initial"
  | "apply"
  | "immutable"
  | "codec"
  | "schema"
  | "upcast"
  | "migrate"
  | "version"
>;

/** The same of a queue, which needs no program to be known. */
export const QUEUE: ReducerOptions = {
  ...QUEUE_REDUCER as Pick<ReducerOptions, "initial" | "apply">,
  codec: ledgerCodec() as SnapCodec<unknown>,
};

/** The number of records from one kept state to the next. */
const STRIDE = 50_000;

/** A state that was made. */
export interface Made {
  readonly state: unknown;
  /** Whether the record that it stands at has no effect. */
  readonly isAborted: boolean;
  /** The problems of snapshots that were skipped. */
  readonly rejected: readonly string[];
  /** Whether a damage may hide that records were aborted. */
  readonly isUnsure: boolean;
}

/** Makes the states of a log with one program, each from the nearest that is known. */
export class StateMaker {
  readonly #context: JournalContext;
  readonly #program: ReducerOptions;
  readonly #aborts: KnownAborts = new KnownAborts();
  readonly #checkpoints: Checkpoints = new Checkpoints();

  constructor(context: JournalContext, program: ReducerOptions) {
    this.#context = context;
    this.#program = program;
  }

  /** Forgets everything: the log is another. */
  clear(): void {
    this.#aborts.clear();
    this.#checkpoints.clear();
  }

  /** Makes the state as of record `at`. */
  async make(
    found: LogSummary,
    at: number,
    signal: AbortSignal,
  ): Promise<Made> {
    const program = this.#program;
    const { fs, paths: { directory } } = this.#context;
    const codec = program.codec ?? AS_WRITTEN;
    const disk = new SnapStore(directory, { fs, codec, readOnly: true });
    const log = readOnlyLog(this.#context, found);
    const isRust = isRustLog(found);
    const base = await this.#nearest(disk, at);
    const { aborts, firstNew } = await this.#aborts.of(log, isRust, base + 1);
    this.#checkpoints.forgetFrom(firstNew);
    const snapshots = this.#checkpoints.before(disk, program.version ?? 0);
    const sources = rebuildSources(
      { log, snapshots, isRust },
      program,
      aborts,
    );
    for (let upTo = base;;) {
      upTo = this.#isPlain ? Math.min(at, upTo + STRIDE) : at;
      signal.throwIfAborted();
      const { state, seq } = await rebuild({ ...sources }, upTo, "COMPACTED");
      const { rejected: damaged } = disk;
      assertReached(this.#context, found, upTo, { seq, rejected: damaged });
      // What was passed over may turn out to have been applied.
      const isKept = this.#isPlain && aborts.found.length === 0;
      if (isKept) this.#checkpoints.keep(upTo, textOf(state));
      if (upTo < at) continue;
      const rejected = disk.rejected.map(({ error }) => bareMessage(error));
      const { isCut: isUnsure } = this.#aborts;
      return { state, isAborted: aborts.has(at), rejected, isUnsure };
    }
  }

  async #nearest(
    disk: SnapStore<unknown>,
    at: number,
  ): Promise<number> {
    const listed = (await disk.list()).findLast(({ seq }) => seq <= at);
    const kept = this.#checkpoints.nearest(at);
    return Math.max(listed?.seq ?? 0, kept?.seq ?? 0);
  }

  /** A state that JSON keeps need not go through a codec. */
  get #isPlain(): boolean {
    return this.#program.codec === undefined || this.#program === QUEUE;
  }

  /** A state as plain JSON. */
  async shown(state: unknown): Promise<unknown> {
    const { codec } = this.#program;
    if (this.#isPlain || codec === undefined) return JSON.parse(textOf(state));
    const encoded = codec.encode(state);
    return isInParts(encoded)
      ? await collect(one(encoded))
      : JSON.parse(textOf(encoded));
  }
}

function textOf(state: unknown): string {
  return JSON.stringify(state) ?? "null";
}

async function* one<T>(
  items: Iterable<T> | AsyncIterable<T>,
): AsyncGenerator<T, void, undefined> {
  yield* items;
}
