import {
  type JournalContext,
  measureSegments,
  type SalvagedRecords,
  SECOND_LOOK_MS,
  untilStable,
} from "../../admin/internal.ts";
import { isSameJson } from "../../base/json.ts";
import { brief } from "../../base/text.ts";
import type {
  DamageRow,
  MissingRecord,
  RecordPage,
  RecordRow,
} from "../api_types.ts";
import type { Redactor } from "../redact.ts";
import { items, told } from "./items.ts";
import { bodyOf, kindOf } from "./kinds.ts";

/** The most characters of a record in a row. */
const ROW_CHARS = 240;

/** Reads the records of a log, of each what may be shown. */
export class Records {
  readonly #context: JournalContext;
  readonly #redactor: Redactor;

  constructor(context: JournalContext, redactor: Redactor) {
    this.#context = context;
    this.#redactor = redactor;
  }

  /** The records `from` to `from + count - 1`, and what cannot be read among them. */
  async page(from: number, count: number): Promise<RecordPage> {
    return await this.#steadily(() => this.#page(from, from + count - 1));
  }

  /** Looks again where a writer was at work: it takes files away from under the reader, and a line that it is writing is half there. */
  async #steadily<T extends object>(look: () => Promise<T>): Promise<T> {
    return await untilStable<T>(async (seen) => {
      const before = await this.#names();
      const value = await look();
      const isSame = !hasDamages(value) || isSameJson(value, seen);
      const isStable = isSame && before === await this.#names();
      return { value, isStable };
    }, SECOND_LOOK_MS);
  }

  async #page(from: number, to: number): Promise<RecordPage> {
    const records: RecordRow[] = [];
    const damages: DamageRow[] = [];
    const wants = (seq: number) => seq >= from;
    for await (const item of items(this.#context, from, wants)) {
      if ("reason" in item) {
        if ((item.to ?? Infinity) >= from - 1) damages.push(this.#damage(item));
        continue;
      }
      const { piece } = item;
      for (const [at, data] of piece.records.entries()) {
        const seq = piece.seq + at;
        if (seq < from || seq > to) continue;
        records.push(rowOf(piece, seq, this.#shown(data, seq)));
      }
      if (piece.seq + piece.records.length > to) break;
    }
    return { from, records, damages };
  }

  /** A record in full, or what has become of it. */
  async whole(
    seq: number,
  ): Promise<RecordRow & { readonly data: unknown } | MissingRecord> {
    return await this.#steadily(() => this.#whole(seq));
  }

  async #whole(
    seq: number,
  ): Promise<RecordRow & { readonly data: unknown } | MissingRecord> {
    const wants = (other: number) => other >= seq;
    const damages: DamageRow[] = [];
    for await (const item of items(this.#context, seq, wants)) {
      if ("reason" in item) {
        const { from, to } = item;
        if (seq >= from && seq <= (to ?? Infinity)) {
          damages.push(this.#damage(item));
        }
        continue;
      }
      const { piece } = item;
      if (piece.seq > seq) break;
      if (piece.seq + piece.records.length <= seq) continue;
      const data = this.#shown(piece.records[seq - piece.seq], seq);
      return { ...rowOf(piece, seq, data), data };
    }
    return { seq, isMissing: true, damages };
  }

  #shown(data: unknown, seq: number): unknown {
    return this.#redactor.value(data, { kind: "record", seq });
  }

  #damage(row: DamageRow): DamageRow {
    return { ...row, reason: this.#redactor.error(row.reason) };
  }

  async #names(): Promise<string> {
    const { segments } = await measureSegments(this.#context);
    return segments.map(({ path }) => path).join("\n");
  }
}

function hasDamages(
  value: { readonly damages?: readonly DamageRow[] },
): boolean {
  return (value.damages ?? []).length > 0;
}

/** The last record that can be read, from record `from` on, `from - 1` where there is none; and whether something stands behind it that cannot. */
export async function readableEnd(
  context: JournalContext,
  from: number,
): Promise<{ last: number; isCut: boolean }> {
  let last = from - 1;
  let isCut = false;
  for await (const item of items(context, from, () => false)) {
    isCut = "reason" in item;
    if ("reason" in item) continue;
    const { seq, records } = item.piece;
    last = Math.max(last, seq + records.length - 1);
  }
  return { last, isCut };
}

function rowOf(piece: SalvagedRecords, seq: number, data: unknown): RecordRow {
  const { records, seq: from, place, isVerified } = piece;
  const to = from + records.length - 1;
  return {
    seq,
    ...kindOf(data),
    text: brief(bodyOf(data), ROW_CHARS),
    ...told(place),
    ...(to > from && { batch: { from, to } }),
    isVerified,
  };
}
