import type {
  AppendMessage,
  CommitMessage,
  CompactMessage,
  LogFailureMessage,
  LogOpenMessage,
  RotateMessage,
  TornMessage,
} from "@mini/state/store";
import type { SnapshotMessage } from "@mini/state/snap";
import type {
  AbortedMessage,
  ApplyMessage,
  StateOpenMessage,
} from "@mini/state/state";
import type {
  DeadLetterMessage,
  EnqueueMessage,
  LeaseExpiredMessage,
  ProcessMessage,
  QueueOpenMessage,
  ReceiveMessage,
  SettleMessage,
  ToldQueue,
} from "@mini/state/queue";
import { Answers } from "./answers.ts";
import { same, sum } from "./compare.ts";
import type { Facts } from "./facts.ts";
import { LogCount, type Place } from "./log_count.ts";
import { type Ended, type Kind, Operations } from "./operations.ts";
import { QueueCount } from "./queue_count.ts";
import { StateCount } from "./state_count.ts";

/** The findings on the disk of a process. */
export interface DiskFacts {
  /** How often a call has found it full. */
  readonly fullTimes: number;
  /** The number of sealed segments, where nothing has failed and nobody has interfered. */
  readonly sealed?: number | undefined;
}

/** Everything that one process tells on channels, counted again. */
export class Recount {
  readonly #wrong: (what: string) => void;
  readonly #operations = new Operations();
  readonly #places = new Map<object, Place>();
  readonly #torn: TornMessage[] = [];
  /** By their paths, the last ones that were opened. */
  readonly #logs = new Map<string, LogCount>();
  readonly #states = new Map<string, StateCount>();
  readonly #queues = new Map<string, QueueCount>();
  readonly answers: Answers = new Answers();

  /** @param wrong Told of everything that cannot be. */
  constructor(wrong: (what: string) => void) {
    this.#wrong = (what) => wrong(`told on channels: ${what}`);
  }

  /** Takes note of an event of a channel, without `mini-state:`. */
  hear(name: string, kind: Kind, message: object): void {
    if (kind === "point") return this.#happens(name, message);
    const { wrong, hasEnded } = this.#operations.hear(name, kind, message);
    if (wrong !== undefined) this.#wrong(wrong);
    if (kind === "start") this.#starts(name, message);
    if (hasEnded) this.#ends(name, message);
  }

  #starts(name: string, message: object): void {
    if (name === "process") {
      const process = message as ProcessMessage;
      this.#queue(process).processStarts(process);
    }
    if (name !== "commit") return;
    const commit = message as CommitMessage;
    this.#log(commit)?.commitStarts(
      commit,
      (append) => this.#operations.isUnderWay(append),
    );
  }

  #ends(name: string, message: object): void {
    switch (name) {
      case "open":
        return this.#opens(
          message as LogOpenMessage | StateOpenMessage | QueueOpenMessage,
        );
      case "append": {
        const append = message as AppendMessage;
        return this.#log(append)?.appendEnds(append);
      }
      case "commit": {
        const commit = message as CommitMessage;
        return this.#log(commit)?.commitEnds(commit);
      }
      case "rotate": {
        const rotation = message as RotateMessage;
        return this.#log(rotation)?.rotationEnds(rotation);
      }
      case "compact": {
        const compaction = message as CompactMessage;
        return this.#log(compaction)?.compactionEnds(compaction);
      }
      case "apply": {
        const apply = message as ApplyMessage;
        return this.#state(apply)?.applyEnds(apply);
      }
      case "snapshot": {
        const snapshot = message as SnapshotMessage;
        return this.#state(snapshot)?.snapshotEnds(snapshot);
      }
      case "enqueue": {
        const enqueue = message as EnqueueMessage;
        return this.#queue(enqueue).enqueueEnds(enqueue);
      }
      case "receive": {
        const receive = message as ReceiveMessage;
        return this.#queue(receive).receiveEnds(receive);
      }
      case "process": {
        const process = message as ProcessMessage;
        return this.#queue(process).processEnds(process);
      }
      case "settle": {
        const settle = message as SettleMessage;
        return this.#queue(settle).settleEnds(settle);
      }
    }
  }

  #happens(name: string, message: object): void {
    switch (name) {
      case "torn":
        this.#torn.push(message as TornMessage);
        return;
      case "poisoned": {
        const failure = message as LogFailureMessage;
        return this.#log(failure)?.poisons(failure);
      }
      case "no-space": {
        const failure = message as LogFailureMessage;
        return this.#log(failure)?.lacksSpace(failure);
      }
      case "aborted": {
        const aborted = message as AbortedMessage;
        return this.#state(aborted)?.aborts(aborted);
      }
      case "dead-letter": {
        const dead = message as DeadLetterMessage;
        return this.#queue(dead).dies(dead);
      }
      case "lease-expired": {
        const expired = message as LeaseExpiredMessage;
        return this.#queue(expired).expires(expired);
      }
      default:
        this.#wrong(`${name}, which takes no time here`);
    }
  }

  #opens(
    message: (LogOpenMessage | StateOpenMessage | QueueOpenMessage) & Ended,
  ): void {
    if (message.kind === "queue") return;
    const { kind, path } = message;
    const name = `${kind} ${path}`;
    const torn = kind === "store" ? this.#torn.splice(0) : [];
    if ("error" in message) return;
    if (path === undefined || message.recovery === undefined) {
      return this.#wrong(`${name} is opened, and not told as what`);
    }
    const wrong = (what: string) => this.#wrong(`${path}: ${what}`);
    if (message.kind === "store") {
      const count = new LogCount(message.recovery, torn, this.#places, wrong);
      this.#logs.set(path, count);
    } else {
      const { replayed } = message.recovery;
      this.#states.set(path, new StateCount(replayed, this.#places, wrong));
    }
  }

  /** It tells what it takes back before it is open. */
  #queue({ path, name = "" }: ToldQueue): QueueCount {
    const key = `${path} ${name}`;
    const found = this.#queues.get(key);
    if (found !== undefined) return found;
    const wrong = (what: string) => this.#wrong(`the queue in ${key}: ${what}`);
    const queue = new QueueCount(wrong);
    this.#queues.set(key, queue);
    return queue;
  }

  #log({ path }: { readonly path: string }): LogCount | undefined {
    const log = this.#logs.get(path);
    if (log === undefined) this.#wrong(`${path} is not open`);
    return log;
  }

  #state({ path = "" }: { readonly path?: string }): StateCount | undefined {
    const state = this.#states.get(path);
    if (state === undefined) this.#wrong(`the state in ${path} is not open`);
    return state;
  }

  /** Compares everything, once nothing is under way. */
  end({ log, state, queue }: Facts, { fullTimes, sealed }: DiskFacts): void {
    for (const what of this.#operations.underWay) {
      this.#wrong(`not ended: ${what}`);
    }
    for (const log of this.#logs.values()) log.end(fullTimes);
    if (sealed !== undefined) {
      for (const log of this.#logs.values()) log.compareSealed(sealed);
    }
    const { answers } = this;
    if (log !== undefined) {
      const count = this.#log(log);
      count?.compare(log.metrics);
      count?.compareAnswers(answers);
      count?.compareDurable(answers);
    }
    if (state !== undefined) {
      const count = this.#state(state);
      const logged = this.#logOf(state.path);
      count?.compare(state, answers, logged?.sequence ?? 0);
      count?.compareAnswers(answers);
      logged?.compareDurable(answers);
    }
    if (queue !== undefined) {
      const count = this.#queue(queue);
      // What was delivered as its state was rebuilt it may not have seen.
      const wasRebuilt = [...this.#states.values()]
        .some((state) => state.wasRebuilt);
      if (queue.metrics !== undefined && !wasRebuilt) {
        count.compare(queue.metrics, answers);
      }
      count.compareAnswers(answers);
    }
  }

  /** Compares what nobody has heard. */
  endUnheard({ log, state }: Facts): void {
    const { written, snapshotFailures } = this.answers;
    const records = written.map(({ count }) => count);
    const wrong = this.#wrong;
    if (log !== undefined) {
      same("records of the log", log.metrics.records, sum(records), wrong);
    }
    if (state !== undefined) {
      const { metrics } = state;
      const found = metrics.snapshotFailures;
      same("snapshots that failed", found, snapshotFailures, wrong);
      if (metrics.records < written.length) {
        wrong(`${metrics.records} records applied, not ${written.length}`);
      }
    }
  }

  #logOf(directory: string): LogCount | undefined {
    return this.#log({ path: `${directory}/journal.jsonl` });
  }
}
