import type { JetStreamManager } from "@nats-io/jetstream";
import type { NatsConnection } from "@nats-io/nats-core";
import { Tries } from "../clock.ts";
import { serverVersion } from "../server.ts";
import { Calls } from "./wire/calls.ts";
import { DeadLetters } from "./dead_letters.ts";
import { Intake } from "./intake.ts";
import { Look } from "./look.ts";
import { namesOf } from "./wire/names.ts";
import {
  type CheckedOptions,
  checkedOptions,
  type JetStreamQueueOptions,
} from "./options.ts";
import { Producer } from "./producer.ts";
import { Publisher } from "./wire/publisher.ts";
import { Puller } from "./wire/puller.ts";
import { Receipts } from "./receipts.ts";
import { checkVersion, Streams } from "./streams.ts";
import { JetStreamWork } from "./work.ts";

/** The parts of an open queue. */
export interface Parts<T> {
  readonly options: CheckedOptions<T>;
  readonly producer: Producer<T>;
  /** Stores messages in the stream of the queue. */
  readonly jobs: Publisher;
  readonly intake: Intake<T>;
  readonly receipts: Receipts;
  readonly work: JetStreamWork<T>;
  readonly dead: DeadLetters<T>;
  readonly look: Look<T>;
  /** Removes all messages but the dead letters. Returns how many there were. */
  readonly purgeJobs: () => Promise<number>;
  /** Stops delivery until a time; without one, resumes it. */
  readonly pauseUntil: (time: Date | undefined) => Promise<void>;
}

/** Opens what is on the servers, and makes the parts that use it. */
export async function openParts<T>(
  nc: NatsConnection,
  jsm: JetStreamManager,
  { name, options: given, closed }: {
    readonly name: string;
    readonly options: JetStreamQueueOptions<T>;
    readonly closed: AbortSignal;
  },
): Promise<Parts<T>> {
  const options = checkedOptions(given);
  const names = namesOf(name, options.prefix);
  const version = await serverVersion(nc, new Tries(options));
  if (version !== undefined) checkVersion(version);
  const calls = new Calls(nc, options);
  const settings = await new Streams(calls, jsm, names, options).open();
  const receipts = new Receipts(calls, settings.visibilityTimeoutMs);
  const jobs = new Publisher(calls, jsm, names.stream);
  const dead = new DeadLetters<T>(
    { calls, jsm, names, receipts },
    new Publisher(calls, jsm, names.deadStream),
  );
  const { maxAttempts } = options;
  const settler = { receipts, maxAttempts, bury: dead.bury };
  const puller = new Puller(calls, names);
  const intake = new Intake<T>({ calls, puller, settler, options }, closed);
  const look = new Look<T>(calls, jsm, names, dead);
  const { isEmpty } = look;
  const { stream, consumer } = names;
  return {
    options,
    producer: new Producer<T>(jobs, { names, options, settings }),
    jobs,
    intake,
    receipts,
    work: new JetStreamWork({ intake, receipts, dead, isEmpty, maxAttempts }),
    dead,
    look,
    async purgeJobs() {
      receipts.loseAll();
      const { purged } = await calls.patiently(
        "purge the queue",
        () => jsm.streams.purge(stream),
      );
      return purged;
    },
    async pauseUntil(time) {
      await calls.patiently(
        time ? "pause the queue" : "resume the queue",
        () =>
          time
            ? jsm.consumers.pause(stream, consumer, time)
            : jsm.consumers.resume(stream, consumer),
      );
    },
  };
}
