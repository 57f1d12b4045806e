import { MiniError } from "../base/errors.ts";
import { type Patience, Tries } from "./clock.ts";
import { API, ApiError, failureOf, isFinal } from "./errors.ts";
import type { Checked, Names } from "./options.ts";
import { VERSION } from "./log/message.ts";
import { serverVersion } from "./server.ts";
import type {
  NatsClient,
  Stream,
  StreamConfig,
  StreamFacts,
} from "./stream.ts";

/** The settings without which a stream would lose something, each with the values that it may have. */
export type Rules = Readonly<Record<string, readonly unknown[]>>;

/** No limit, in the words of JetStream. A setting that is left out is none either. */
const NONE = [-1, 0, undefined];

const NEVER = [false, undefined];

/** The first value is that of a new stream. */
export const KEEPS: Rules = {
  retention: ["limits"],
  storage: ["file"],
  discard: ["new"],
  "max_age": [0, undefined],
  "max_msgs": NONE,
  "max_msgs_per_subject": NONE,
  "max_msg_size": NONE,
  "allow_direct": NEVER,
  "mirror_direct": NEVER,
  "allow_rollup_hdrs": NEVER,
  "allow_msg_ttl": NEVER,
  "deny_purge": NEVER,
  "allow_msg_counter": NEVER,
  "allow_msg_schedules": NEVER,
  sealed: NEVER,
  "no_ack": NEVER,
  "persist_mode": [undefined, "", "default"],
  mirror: [undefined, null],
  sources: [undefined, null],
  "subject_transform": [undefined, null],
  republish: [undefined, null],
};

/** A log: no message is removed but by compaction. */
const LOG_RULES: Rules = {
  ...KEEPS,
  "deny_delete": [true],
  // Rows of messages are read so, and what may be old is not relied on.
  "allow_direct": [true, ...NEVER],
};

/** Leases: of each the last is kept. */
const LEASE_RULES: Rules = {
  ...KEEPS,
  discard: ["old"],
  "max_msgs_per_subject": [1],
};

/** A stream that is wanted. */
export interface Wanted {
  readonly stream: Stream;
  readonly subjects: readonly string[];
  readonly rules: Rules;
  readonly maxBytes?: number | undefined;
  readonly description?: string;
  /** The subject that is needed, where others use the stream too: then one that exists may have any replicas, and other subjects that include it. */
  readonly needs?: string;
}

/** How a stream is made that is missing. */
export interface Making extends Pick<Patience, "doubtMs"> {
  readonly create: boolean;
  readonly replicas: number;
  readonly signal?: AbortSignal | undefined;
}

/** The streams of a state. */
export interface Streams {
  readonly log: Stream;
  readonly snapshots: Stream;
  readonly leases: Stream;
}

/** A log whose streams are there. */
export interface Prepared {
  readonly id: string;
  /** Whether somebody has owned it before. */
  readonly hadOwner: boolean;
}

/** Makes the streams that are missing, and refuses those that would lose records. */
export async function prepare<S>(
  { log, snapshots, leases }: Streams,
  names: Names,
  options: Checked<S>,
): Promise<Prepared> {
  const id = crypto.randomUUID().replaceAll("-", "");
  const of = { rules: KEEPS };
  await ensure({
    stream: leases,
    subjects: [names.leaseSubjects],
    rules: LEASE_RULES,
  }, options);
  await ensure({
    ...of,
    stream: snapshots,
    subjects: [`${names.snapshotSubject}.>`],
  }, options);
  const { config, last } = await ensure({
    stream: log,
    subjects: [names.logSubject],
    rules: LOG_RULES,
    maxBytes: options.maxBytes,
    description: describe(id),
  }, options);
  return { id: idIn(config), hadOwner: last > 0 };
}

/** Makes a stream if it is missing; throws if it would lose what it is given. */
export async function ensure(
  wanted: Wanted,
  options: Making,
): Promise<StreamFacts> {
  const { stream } = wanted;
  const { create, replicas, signal } = options;
  const tries = new Tries(options, signal);
  for (;;) {
    const facts = await stream.surely("read", () => stream.facts(), signal);
    if (facts !== undefined) {
      refuseLossy(wanted, facts.config, replicas);
      return facts;
    }
    if (!create) throw notThere(stream.name);
    try {
      await stream.configure("CREATE", newConfig(wanted, replicas));
    } catch (error) {
      // Somebody else was quicker.
      if (error instanceof ApiError && error.code === API.nameInUse) continue;
      // The servers may not have found each other yet.
      if (!isFinal(error) && await tries.again()) continue;
      throw failureOf(
        `create stream ${stream.name}`,
        error,
        "nothing was written",
      );
    }
  }
}

function newConfig(
  { stream, subjects, rules, maxBytes, description }: Wanted,
  replicas: number,
): StreamConfig {
  const settings = Object.entries(rules)
    .filter(([, [value]]) => value !== undefined)
    .map(([name, [value]]) => [name, value]);
  return {
    ...Object.fromEntries(settings),
    name: stream.name,
    subjects,
    "num_replicas": replicas,
    "max_bytes": maxBytes ?? -1,
    "max_consumers": -1,
    ...(description !== undefined && { description }),
  };
}

function refuseLossy(
  { stream, subjects, rules, needs }: Wanted,
  config: StreamConfig,
  replicas: number,
): void {
  const isShared = needs !== undefined;
  const all: Rules = isShared
    ? rules
    : { ...rules, "num_replicas": [replicas] };
  for (const [name, allowed] of Object.entries(all)) {
    const value = config[name];
    if (allowed.includes(value) || Array.isArray(value) && value.length === 0) {
      continue;
    }
    throw unsupported(
      stream.name,
      `its ${name} is ${JSON.stringify(value)}, and must be ${
        JSON.stringify(allowed[0]) ?? "left out"
      }`,
    );
  }
  const found = config.subjects ?? [];
  const isSo = isShared
    ? found.some((each) => includes(each, needs))
    : [...found].sort().join() === [...subjects].sort().join();
  if (isSo) return;
  throw unsupported(
    stream.name,
    `its subjects are ${found.join()}, and must ${
      isShared ? `include ${needs}` : `be ${subjects.join()}`
    }`,
  );
}

/** Whether a pattern of subjects includes a subject. */
function includes(pattern: string, subject: string): boolean {
  const parts = pattern.split(".");
  const others = subject.split(".");
  if (parts.at(-1) === ">" && others.length >= parts.length) {
    others.splice(parts.length - 1, Infinity, ">");
  }
  return parts.length === others.length &&
    parts.every((part, at) => part === "*" || part === others[at]);
}

/** The description of the stream of a log. */
export function describe(id: string): string {
  return `mini ${VERSION} ${id}`;
}

/** The id of the log in a stream; throws if it is none, or is a newer one. */
export function idIn({ name, description = "" }: StreamConfig): string {
  const [, version, id] = /^mini (\d+) (\S+)$/.exec(description) ?? [];
  if (id === undefined) {
    throw unsupported(name, "its description does not name a log of this kind");
  }
  if (Number(version) === VERSION) return id;
  throw unsupported(name, "it was written by a newer version of this package");
}

function unsupported(stream: string, why: string): MiniError {
  return new MiniError(
    "UNSUPPORTED_FORMAT",
    `Cannot use stream ${stream}: ${why}; nothing was changed`,
  );
}

/** The error for a stream that is missing. */
export function notThere(stream: string): MiniError {
  return new MiniError("NOT_FOUND", `There is no stream ${stream}`);
}

/** Throws `UNSUPPORTED` for a server that is too old, `UNAVAILABLE` if there is none. */
export async function checkVersion(
  nc: NatsClient,
  tries: Tries,
): Promise<void> {
  const version = await serverVersion(nc, tries);
  if (version === undefined) return;
  const [, major, minor] = /^(\d+)\.(\d+)\./.exec(version) ?? [];
  if (Number(major) > 2 || Number(major) === 2 && Number(minor) >= 12) return;
  throw new MiniError(
    "UNSUPPORTED",
    `Cannot use NATS server ${version}: 2.12 is the oldest that keeps what it acknowledges; nothing was sent`,
  );
}
