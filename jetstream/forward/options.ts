import {
  aBoolean,
  aFunction,
  aName,
  aSignal,
  assertOptions,
  type Checks,
  countFrom,
} from "../../base/checks.ts";
import type { MiniError } from "../../base/errors.ts";
import { given, isPromise } from "../../base/promise.ts";
import { exponentialBackoff } from "../../queue/mod.ts";

/** Where a log is forwarded to, and how. */
export interface ForwardOptions {
  /** The name of the consumer of the log, which holds its records until the stream has them: as for `MiniStore.consumer`. */
  consumer: string;
  /** The name of the stream. Logs of many devices can share it. */
  stream: string;
  /** Begins the subject of the messages, which is `<subject>.<id of the log>`. @default {the name of the stream} */
  subject?: string;
  /** Whether to make the stream if it is missing; otherwise it is `NOT_FOUND`. @default {true} */
  create?: boolean;
  /** How many servers keep the stream, where it is made. @default {3} */
  replicas?: 1 | 3 | 5;
  /** The size of the stream, in bytes, beyond which it takes nothing more, where it is made. @default {that of the server} */
  maxBytes?: number;
  /** Whether to continue where records are in neither the log nor the stream; `onError` is told which. @default {false: it is `COMPACTED`} */
  acceptLoss?: boolean;
  /** How long to wait for an answer, in milliseconds. @default {2_000} */
  requestTimeoutMs?: number;
  /** How long to wait after this many failures in a row, in milliseconds. @default {exponentialBackoff({ firstMs: 100, maxMs: 10_000 })} */
  backoff?: (failures: number) => number;
  /** Is told of what is tried again: `UNAVAILABLE`, `NO_SPACE`; and of what was passed over: `COMPACTED`. */
  onError?: (error: MiniError) => void;
  /** Ends the forwarding. */
  signal?: AbortSignal;
}

/** Parts of a subject: no wildcards, and nothing that ends a line. */
const SUBJECT = /^[\w-]+(\.[\w-]+)*$/;

const CHECKS: Checks<ForwardOptions> = {
  consumer: aName,
  stream: named("letters, digits, _ or -", /^[\w-]{1,128}$/),
  subject: named(
    "parts of letters, digits, _ or -, with dots between",
    SUBJECT,
  ),
  create: aBoolean,
  replicas(name, value) {
    if ([1, 3, 5].includes(value as number)) return;
    throw new RangeError(`${name} must be 1, 3 or 5, not ${value}`);
  },
  maxBytes: countFrom(1),
  acceptLoss: aBoolean,
  requestTimeoutMs: countFrom(1),
  backoff: aFunction,
  onError: aFunction,
  signal: aSignal,
};

/** The options with their defaults. */
export type CheckedForward =
  & Required<Omit<ForwardOptions, "maxBytes" | "signal">>
  & Pick<ForwardOptions, "maxBytes" | "signal">;

/** Checks options, and fills in the defaults. */
export function checkedForward(options: ForwardOptions): CheckedForward {
  assertOptions("forward()", options, CHECKS, ["consumer", "stream"]);
  const {
    subject = options.stream,
    create = true,
    replicas = 3,
    acceptLoss = false,
    requestTimeoutMs = 2_000,
    backoff = exponentialBackoff({ firstMs: 100, maxMs: 10_000 }),
    onError,
  } = options;
  return {
    ...options,
    subject,
    create,
    replicas,
    acceptLoss,
    requestTimeoutMs,
    backoff: (failures) => given("backoff", backoff(failures)),
    onError(error) {
      try {
        isPromise(onError?.(error));
      } catch {
        // An error of the error handler must not end the forwarding.
      }
    },
  };
}

function named(
  form: string,
  pattern: RegExp,
): (name: string, value: unknown) => void {
  return (name, value) => {
    if (typeof value === "string" && pattern.test(value)) return;
    throw new TypeError(
      `${name} must be ${form}, not ${JSON.stringify(value)}`,
    );
  };
}
