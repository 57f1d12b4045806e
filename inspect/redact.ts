import { given } from "../base/promise.ts";

/** The kind of a value that is to be shown, and the record or the message that it is of. */
export interface RedactWhere {
  /**
   * - `"record"`: a record of the log, as it is on record;
   * - `"state"`: a state, as JSON;
   * - `"mutation"`: a mutation of a state;
   * - `"message"`: a message of a queue: an object with `id`, `payload` and,
   *   where it has them, `group`, `headers`, `progress`, `reason` and `result`;
   * - `"schedule"`: a schedule of a queue, by its name;
   * - `"consumer"`: a consumer of the log, by its name;
   * - `"error"`: the message of an error, or of a reason why something is not well.
   */
  readonly kind:
    | "record"
    | "state"
    | "mutation"
    | "message"
    | "schedule"
    | "consumer"
    | "error";
  /** The number of the record that it is of, or as of. */
  readonly seq?: number;
  /** The id of the message. */
  readonly id?: number;
}

/** Gives what may be shown of a value. It is given a copy, which it may change and return. */
export type Redact = (value: unknown, where: RedactWhere) => unknown;

/** Says that nothing may be shown, as nobody knows what of it may be. */
export class RedactFailure extends Error {}

/** Leaves of values what may be shown. */
export class Redactor {
  readonly #redact: Redact | undefined;

  constructor(redact: Redact | undefined) {
    this.#redact = redact;
  }

  /** Whether it may leave out anything. */
  get isOn(): boolean {
    return this.#redact !== undefined;
  }

  /** A value as it may be shown; `null` where nothing is left of it. */
  value(value: unknown, where: RedactWhere): unknown {
    if (this.#redact === undefined) return value;
    try {
      const left = given(
        "redact",
        this.#redact(structuredClone(value), where),
        true,
      );
      return JSON.parse(JSON.stringify(left) ?? "null");
    } catch (cause) {
      throw new RedactFailure("redact has failed", { cause });
    }
  }

  /** The same of a text. */
  text(text: string, where: RedactWhere): string {
    const left = this.value(text, where);
    return typeof left === "string" ? left : left === null ? "" : `${left}`;
  }

  /** The message of an error. */
  error(message: string): string {
    return this.text(message, { kind: "error" });
  }
}
