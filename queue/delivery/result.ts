import { MiniError } from "../../base/errors.ts";
import { toJsonOnce } from "../../base/json.ts";
import { messageOf } from "../../base/reason.ts";
import type { Settlement } from "../ledger/entry.ts";
import { type LedgerLog, MAX_LIST_DEPTH } from "../ledger_log.ts";
import type { CheckedOptions } from "../options.ts";
import { ackTold } from "../telemetry/told.ts";
import type { Delivery, HandlerResult, Leases } from "./leases.ts";

/** In an entry, a result lies within a settlement, which lies within a list. */
const MAX_DEPTH = MAX_LIST_DEPTH - 2;

/** The result of a handler as JSON keeps it. One that cannot be kept does not undo the work. */
function encodedResult(
  id: number,
  result: unknown,
  { maxResultBytes, onError }: Pick<
    CheckedOptions<never>,
    "maxResultBytes" | "onError"
  >,
): HandlerResult {
  try {
    return {
      result: JSON.parse(toJsonOnce(result, maxResultBytes, MAX_DEPTH)),
    };
  } catch (cause) {
    const { code } = cause as MiniError;
    const resultError = new MiniError(
      code,
      `Cannot keep the result of message ${id}: ${
        messageOf(cause)
      }; its acknowledgement is logged without it`,
      { cause },
    );
    onError(resultError);
    return { resultError };
  }
}

/** How deliveries are acknowledged, and the results of their handlers. */
export class Acknowledgements<T, M> {
  readonly #log: LedgerLog<T, M>;
  readonly #leases: Leases;
  readonly #options: Pick<
    CheckedOptions<never>,
    "maxResultBytes" | "onError" | "policy"
  >;
  /** Called when a delivery is about to be acknowledged. */
  onAcked: (delivery: Delivery) => void = () => {};

  constructor(
    log: LedgerLog<T, M>,
    leases: Leases,
    options: Pick<
      CheckedOptions<never>,
      "maxResultBytes" | "onError" | "policy"
    >,
  ) {
    this.#log = log;
    this.#leases = leases;
    this.#options = options;
  }

  /** The settlement of a delivery that is done. Notes the result of its handler. */
  acked({ id, receipt }: Delivery, result: unknown): Settlement {
    const acked: Settlement = { id, receipt, as: "acked" };
    const lease = this.#leases.of(acked);
    if (lease === undefined) return acked;
    let encoded: HandlerResult | undefined;
    lease.result = result === undefined
      ? undefined
      : () => encoded ??= encodedResult(id, result, this.#options);
    this.onAcked(acked);
    // The ledger may not be readable now.
    if (this.#options.policy.finished === undefined) return acked;
    const kept = this.resultOf(acked);
    return "result" in kept ? { ...acked, ...kept } : acked;
  }

  /** The result of the handler of a delivery that is being acknowledged, for who waits for it. */
  resultOf(delivery: Delivery): HandlerResult {
    return this.#leases.find(delivery)?.result?.() ?? {};
  }

  /** The mutation of the state that acknowledges a delivery. It carries its own result: there may be others. */
  ackMutation({ id, receipt }: Delivery, result: unknown): M {
    const lease = this.#leases.of({ id, receipt })!;
    const given = result === undefined
      ? {}
      : encodedResult(id, result, this.#options);
    const isKept = "result" in given;
    lease.result = isKept ? undefined : () => given;
    lease.mayBeAcked = true;
    this.onAcked(lease);
    const settlement = {
      id,
      receipt,
      as: "acked",
      ...(isKept && given),
    } as const;
    return ackTold(
      this.#log.about,
      id,
      () => this.#log.mutation({ settle: [settlement] }),
    );
  }
}
