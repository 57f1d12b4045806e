// deno-lint-ignore-file camelcase -- the names are the servers'
import type {
  ConsumerConfig,
  JetStreamManager,
  StreamConfig,
} from "@nats-io/jetstream";
import { MiniError } from "../../queue/mod.ts";
import { type Calls, refusalOf } from "./wire/calls.ts";
import type { Names } from "./wire/names.ts";
import type { CheckedOptions } from "./options.ts";

/** The options that are about what is on the servers. */
type StreamOptions = Pick<
  CheckedOptions<unknown>,
  "visibilityTimeoutMs" | "dedupeWindowMs" | "replicas" | "maxBytes" | "create"
>;

/** The first version of the server that has atomic batches and schedules. */
const OLDEST = [2, 12] as const;

/** The start of the description of a stream, and the version of its layout. */
const KIND = "mini queue";
const VERSION = 1;

const NANOS = 1_000_000;
const NOT_THERE = new Set([10014, 10059]);
const NAME_IN_USE = new Set([10058, 10148]);

/** The settings of an open queue that its streams decide. */
export interface Settings {
  readonly visibilityTimeoutMs: number;
  /** Whether messages can wait for a time. */
  readonly hasDelays: boolean;
}

/** Throws `UNSUPPORTED` if the server is too old. */
export function checkVersion(version: string): void {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  if (major > OLDEST[0] || major === OLDEST[0] && minor >= OLDEST[1]) return;
  throw new MiniError(
    "UNSUPPORTED",
    `Cannot open the queue: the server has version ${version}, and a queue needs ${
      OLDEST.join(".")
    } or newer; nothing was changed`,
  );
}

/** The stream of the messages. */
function jobsConfig(
  names: Names,
  { replicas = 3, maxBytes, dedupeWindowMs = 300_000 }: StreamOptions,
): Partial<StreamConfig> & { name: string } {
  const common = {
    name: names.stream,
    description: `${KIND} ${VERSION}`,
    retention: "workqueue" as const,
    storage: "file" as const,
    num_replicas: replicas,
    allow_direct: false,
    allow_atomic: true,
    duplicate_window: dedupeWindowMs * NANOS,
  };
  // Without limits nothing is discarded, and the servers take schedules only so.
  return maxBytes === undefined
    ? {
      ...common,
      subjects: [names.jobs, names.later("*")],
      discard: "old",
      allow_msg_schedules: true,
    }
    : {
      ...common,
      subjects: [names.jobs],
      discard: "new",
      max_bytes: maxBytes,
    };
}

function deadConfig(
  names: Names,
  jobs: StreamConfig,
): Partial<StreamConfig> & { name: string } {
  return {
    name: names.deadStream,
    description: `${KIND} ${VERSION} dead letters`,
    subjects: [names.dead("*")],
    retention: "limits",
    storage: "file",
    discard: "old",
    // A dead letter that is stored again takes its own place.
    max_msgs_per_subject: 1,
    num_replicas: jobs.num_replicas,
    allow_direct: false,
    duplicate_window: jobs.duplicate_window,
  };
}

/** Why a stream that is there must not be used: it would lose messages, or is another thing. */
export function flawOf(
  found: StreamConfig,
  want: Partial<StreamConfig>,
): string | undefined {
  const [kind, version] = splitKind(found.description);
  if (kind !== splitKind(want.description)[0]) return "it is not of this kind";
  if (version !== VERSION) return `it has version ${version}`;
  for (const key of ["retention", "storage"] as const) {
    if (found[key] !== want[key]) return `${key} is ${found[key]}`;
  }
  for (const key of ["max_msgs", "max_age"] as const) {
    if (found[key] > 0) return `${key} is ${found[key]}`;
  }
  const perSubject = want.max_msgs_per_subject ?? -1;
  if (found.max_msgs_per_subject > 0 && perSubject < 1) {
    return `max_msgs_per_subject is ${found.max_msgs_per_subject}`;
  }
  if (found.max_bytes > 0 && found.discard !== "new") {
    return "max_bytes is set, and the oldest messages are discarded";
  }
  if (found.mirror !== undefined || (found.sources?.length ?? 0) > 0) {
    return "it copies another stream";
  }
  if (found.no_ack) return "it acknowledges nothing";
  if (found.sealed) return "it is sealed";
  if (found.persist_mode === "async") return "persist_mode is async";
  const isMissing = (subject: string) => !found.subjects.includes(subject);
  const missing = want.subjects!.slice(0, 1).find(isMissing);
  if (missing !== undefined) return `it does not take ${missing}`;
  return want.allow_atomic && !found.allow_atomic
    ? "it takes no batches"
    : undefined;
}

function splitKind(
  text = "",
): [kind: string, version: number] {
  const [, start = text, version = "0", end = ""] =
    /^(.*) (\d+)( .*)?$/.exec(text) ?? [];
  return [start + end, Number(version)];
}

/** Makes what is missing on the servers, and checks what is there. */
export class Streams {
  readonly #calls: Calls;
  readonly #jsm: JetStreamManager;
  readonly #names: Names;
  readonly #options: StreamOptions;

  constructor(
    calls: Calls,
    jsm: JetStreamManager,
    names: Names,
    options: StreamOptions,
  ) {
    this.#calls = calls;
    this.#jsm = jsm;
    this.#names = names;
    this.#options = options;
  }

  async open(): Promise<Settings> {
    const want = jobsConfig(this.#names, this.#options);
    const jobs = await this.#stream(want);
    await this.#stream(deadConfig(this.#names, jobs));
    const consumer = await this.#consumer();
    return {
      visibilityTimeoutMs: consumer.ack_wait! / NANOS,
      hasDelays: jobs.allow_msg_schedules === true,
    };
  }

  async #stream(
    want: Partial<StreamConfig> & { name: string },
  ): Promise<StreamConfig> {
    const doing = `open the stream ${want.name}`;
    const found = await this.#calls.patiently(
      doing,
      () => this.#found(() => this.#jsm.streams.info(want.name)),
    ) ?? await this.#made(
      doing,
      () => this.#jsm.streams.add(want),
      () => this.#jsm.streams.info(want.name),
    );
    const { config } = found;
    const flaw = flawOf(config, want) ?? this.#disagreement(config);
    if (flaw !== undefined) {
      throw new MiniError(
        "UNSUPPORTED_FORMAT",
        `Cannot ${doing}: ${flaw}; nothing was changed`,
      );
    }
    return await this.#withWindow(config, want);
  }

  #disagreement({ num_replicas, max_bytes, name }: StreamConfig) {
    const { replicas, maxBytes } = this.#options;
    if (replicas !== undefined && num_replicas !== replicas) {
      return `it has ${num_replicas} replicas, not ${replicas}`;
    }
    const isJobs = name === this.#names.stream;
    return isJobs && maxBytes !== undefined && max_bytes !== maxBytes
      ? `max_bytes is ${max_bytes}, not ${maxBytes}`
      : undefined;
  }

  async #withWindow(
    config: StreamConfig,
    { duplicate_window }: Partial<StreamConfig>,
  ): Promise<StreamConfig> {
    const { dedupeWindowMs, create } = this.#options;
    const isSame = config.duplicate_window === duplicate_window;
    if (dedupeWindowMs === undefined || isSame) return config;
    const doing = `set the window of ${config.name}`;
    if (!create) {
      throw new MiniError(
        "UNSUPPORTED_FORMAT",
        `Cannot ${doing}: its operator has set it to ${
          config.duplicate_window / NANOS
        } ms; nothing was changed`,
      );
    }
    const { config: changed } = await this.#calls.patiently(
      doing,
      () =>
        this.#jsm.streams.update(config.name, {
          duplicate_window: duplicate_window!,
        }),
    );
    return changed;
  }

  async #consumer(): Promise<ConsumerConfig> {
    const { stream, consumer, jobs } = this.#names;
    const { visibilityTimeoutMs, create } = this.#options;
    const doing = `open the consumer ${consumer} of ${stream}`;
    const want = {
      durable_name: consumer,
      ack_policy: "explicit" as const,
      ack_wait: (visibilityTimeoutMs ?? 30_000) * NANOS,
      // The queue counts itself: a message that is given up must not stay behind.
      max_deliver: -1,
      max_ack_pending: -1,
      max_waiting: 4_096,
      filter_subject: jobs,
    };
    const info = () => this.#jsm.consumers.info(stream, consumer);
    const { config } = await this.#calls.patiently(
      doing,
      () => this.#found(info),
    ) ?? await this.#made(
      doing,
      () => this.#jsm.consumers.add(stream, want),
      info,
    );
    const flaw = consumerFlaw(config, jobs);
    const isSame = visibilityTimeoutMs === undefined ||
      config.ack_wait === want.ack_wait;
    if (flaw !== undefined || !isSame && !create) {
      throw new MiniError(
        "UNSUPPORTED_FORMAT",
        `Cannot ${doing}: ${
          flaw ?? `ack_wait is ${config.ack_wait! / NANOS} ms`
        }; nothing was changed`,
      );
    }
    if (isSame) return config;
    const { ack_wait } = want;
    const { config: changed } = await this.#calls.patiently(
      doing,
      () => this.#jsm.consumers.update(stream, consumer, { ack_wait }),
    );
    return changed;
  }

  async #found<R>(info: () => Promise<R>): Promise<R | undefined> {
    try {
      return await info();
    } catch (error) {
      if (NOT_THERE.has(refusalOf(error) ?? 0)) return undefined;
      throw error;
    }
  }

  async #made<R>(
    doing: string,
    make: () => Promise<R>,
    info: () => Promise<R>,
  ): Promise<R> {
    if (!this.#options.create) {
      throw new MiniError(
        "NOT_FOUND",
        `Cannot ${doing}: it is not there, and create is false`,
      );
    }
    return await this.#calls.patiently(doing, async () => {
      try {
        return await make();
      } catch (error) {
        // Another process was faster, with other options.
        if (!NAME_IN_USE.has(refusalOf(error) ?? 0)) throw error;
        return await info();
      }
    });
  }
}

function consumerFlaw(
  config: ConsumerConfig,
  jobs: string,
): string | undefined {
  const { ack_policy, max_deliver = -1, filter_subject } = config;
  if (ack_policy !== "explicit") return `ack_policy is ${ack_policy}`;
  if (max_deliver > 0) return `max_deliver is ${max_deliver}`;
  if (config.deliver_subject !== undefined) return "it pushes";
  return filter_subject === jobs ? undefined : `it does not read ${jobs}`;
}
