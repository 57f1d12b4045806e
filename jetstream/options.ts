import {
  aBoolean,
  aName,
  aSignal,
  assertOptions,
  type Checks,
  countFrom,
  having,
  oneOf,
} from "../base/checks.ts";
import type { SnapCodec } from "../snap/mod.ts";

/**
 * The options of a NATS connection without which a server that hangs stops the
 * program for minutes. Spread them into the options of the transport.
 *
 * @example Connect
 * ```ts ignore
 * import { connect } from "@nats-io/transport-node";
 * import { connectionOptions } from "@mini/state/jetstream";
 *
 * const nc = await connect({ servers: ["n1:4222", "n2:4222", "n3:4222"], ...connectionOptions });
 * ```
 */
export const connectionOptions: {
  readonly maxReconnectAttempts: -1;
  readonly reconnectTimeWait: 250;
  readonly pingInterval: 1_000;
  readonly maxPingOut: 2;
  readonly timeout: 2_000;
} = {
  maxReconnectAttempts: -1,
  reconnectTimeWait: 250,
  pingInterval: 1_000,
  maxPingOut: 2,
  timeout: 2_000,
};

/**
 * Where the streams of a state are, and how they are used.
 *
 * @typeParam S The state.
 */
export interface JetStreamReaderOptions<S> {
  /** Begins the names of streams and subjects: `MINI_<name>`, `mini.<name>.log`. @default {"mini"} */
  prefix?: string;
  /** Converts the state to and from plain JSON for snapshots, if it is not plain JSON. */
  codec?: SnapCodec<S>;
  /** How long to wait for an answer before asking again, in milliseconds. @default {2_000} */
  requestTimeoutMs?: number;
  /** How long to ask again while nobody answers, in milliseconds; then it is `UNAVAILABLE`, or `POISONED` for a commit. @default {30_000} */
  doubtMs?: number;
}

/**
 * How a log in JetStream is made and owned.
 *
 * @typeParam S The state.
 */
export interface JetStreamOptions<S> extends JetStreamReaderOptions<S> {
  /** How many servers keep each stream. Streams that exist must agree. @default {3} */
  replicas?: 1 | 3 | 5;
  /** Whether to make the streams that are missing; otherwise it is `NOT_FOUND`. @default {true} */
  create?: boolean;
  /** The size of the log, in bytes, beyond which an append is `NO_SPACE`, where the stream is made. @default {that of the server} */
  maxBytes?: number;
  /** How many snapshots stay. @default {2} */
  keepSnapshots?: number;
  /** The name of this process, in errors of those that find the log owned. @default {random} */
  holder?: string;
  /** How long an owner stays the owner without renewing its lease, in milliseconds. It must be longer than an election of the servers. @default {15_000} */
  leaseMs?: number;
  /**
   * The treatment of a log that has an owner. `"refuse"` throws `LOCKED` when the
   * owner renews its lease, and takes over once it has not done so for its
   * `leaseMs`; `"wait"` only takes over; `"depose"` takes over at once.
   *
   * @default {"refuse"}
   */
  whenHeld?: "refuse" | "wait" | "depose";
  /** Whether a log that ends before its snapshot continues after that, and one of which everything was removed begins again. Records were lost then. @default {false: it is `CORRUPT`} */
  acceptLoss?: boolean;
  /** Ends the waiting, by throwing its reason. */
  signal?: AbortSignal;
}

const READER_CHECKS: Checks<JetStreamReaderOptions<unknown>> = {
  prefix: aToken,
  codec: having("encode", "decode"),
  requestTimeoutMs: countFrom(1),
  doubtMs: countFrom(1),
};

const CHECKS: Checks<JetStreamOptions<unknown>> = {
  ...READER_CHECKS,
  replicas(name, value) {
    if ([1, 3, 5].includes(value as number)) return;
    throw new RangeError(`${name} must be 1, 3 or 5, not ${value}`);
  },
  create: aBoolean,
  maxBytes: countFrom(1),
  keepSnapshots: countFrom(1),
  holder: aHolder,
  // It is renewed four times within.
  leaseMs: countFrom(4),
  whenHeld: oneOf("refuse", "wait", "depose"),
  acceptLoss: aBoolean,
  signal: aSignal,
};

/** The options with their defaults. */
export type Checked<S> =
  & Required<Omit<JetStreamOptions<S>, "codec" | "maxBytes" | "signal">>
  & Pick<JetStreamOptions<S>, "codec" | "maxBytes" | "signal">;

/** Checks options, and fills in the defaults. */
export function checked<S>(
  call: string,
  options: JetStreamOptions<S>,
): Checked<S> {
  assertOptions(call, options, CHECKS);
  return {
    prefix: "mini",
    requestTimeoutMs: 2_000,
    doubtMs: 30_000,
    replicas: 3,
    create: true,
    keepSnapshots: 2,
    holder: crypto.randomUUID().slice(0, 8),
    leaseMs: 15_000,
    whenHeld: "refuse",
    acceptLoss: false,
    ...given(options),
  };
}

function given<O extends object>(options: O): O {
  const found = Object.entries(options)
    .filter(([, value]) => value !== undefined);
  return Object.fromEntries(found) as O;
}

/** The names of the streams and the subjects of a state. */
export interface Names {
  readonly log: string;
  readonly logSubject: string;
  readonly snapshots: string;
  readonly snapshotSubject: string;
  readonly leases: string;
  readonly leaseSubjects: string;
  readonly leaseSubject: string;
}

/** Throws a `TypeError` if streams and subjects cannot be named so. */
export function namesOf(name: string, prefix: string): Names {
  aToken("The name of a state in JetStream", name);
  if (/^LEASES$|_(SNAP|JOBS|DEAD)$/.test(name)) {
    throw new TypeError(
      `The name of a state in JetStream must not be "${name}": other streams have such names`,
    );
  }
  const stream = prefix.toUpperCase();
  return {
    log: `${stream}_${name}`,
    logSubject: `${prefix}.${name}.log`,
    snapshots: `${stream}_${name}_SNAP`,
    snapshotSubject: `${prefix}.${name}.snap`,
    leases: `${stream}_LEASES`,
    leaseSubjects: `${prefix}.*.lease`,
    leaseSubject: `${prefix}.${name}.lease`,
  };
}

/** A header holds it in per cent and hexadecimal digits. */
function aHolder(name: string, value: unknown): void {
  aName(name, value);
  try {
    encodeURIComponent(value as string);
  } catch {
    throw new TypeError(`${name} must not have half a surrogate pair`);
  }
}

function aToken(name: string, value: unknown): void {
  if (typeof value === "string" && /^[\w-]{1,64}$/.test(value)) return;
  throw new TypeError(
    `${name} must be 1 to 64 letters, digits, _ or -, not ${
      JSON.stringify(value)
    }`,
  );
}
