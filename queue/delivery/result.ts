import { MiniError } from "../../base/errors.ts";
import { toJson } from "../../base/json.ts";
import { messageOf } from "../../base/reason.ts";
import { MAX_LIST_DEPTH } from "../ledger_log.ts";
import type { CheckedOptions } from "../options.ts";
import type { HandlerResult } from "./leases.ts";

/** In an entry, a result lies within a settlement, which lies within a list. */
const MAX_DEPTH = MAX_LIST_DEPTH - 2;

/** The result of a handler as JSON keeps it. One that cannot be kept does not undo the work. */
export function encodedResult(
  id: number,
  result: unknown,
  { maxResultBytes, onError }: Pick<
    CheckedOptions<never>,
    "maxResultBytes" | "onError"
  >,
): HandlerResult {
  try {
    return { result: JSON.parse(toJson(result, maxResultBytes, MAX_DEPTH)) };
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
