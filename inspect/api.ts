import {
  isQueue,
  type JournalContext,
  summarizeDamagedLog,
} from "../admin/internal.ts";
import { act, BadRequest, canAct } from "./actions.ts";
import type {
  ActionDone,
  ActionName,
  Hit,
  LiveFacts,
  News,
  Overview,
  QueueAnswer,
  SearchLine,
  SearchProgress,
} from "./api_types.ts";
import { Records } from "./log/records.ts";
import { search } from "./log/search.ts";
import { watch } from "./log/watch.ts";
import { Overviews } from "./overview.ts";
import { healthRow, problemOf } from "./problem.ts";
import { queueAnswer } from "./queue/messages.ts";
import { Rates } from "./queue/rates.ts";
import { RedactFailure, type Redactor } from "./redact.ts";
import { pruned } from "./states/prune.ts";
import { States } from "./states/states.ts";
import { shownBy, type Target } from "./target.ts";

/** The parameters of a request. */
export type Query = Readonly<Record<string, string>>;

/** The most records in one answer. */
const MAX_PAGE = 500;

/** The readers of a log that was found. */
interface Readers {
  readonly context: JournalContext;
  readonly overviews: Overviews;
  readonly records: Records;
  readonly states: States;
}

/** The names that are asked for with one answer. */
export type AnswerName = "overview" | "records" | "record" | "state" | "queue";

/** Everything that the page asks about a log. Only actions write. */
export class Api {
  readonly #target: Target;
  readonly #redactor: Redactor;
  readonly #closed: AbortSignal;
  readonly #rates: Rates | undefined;
  #readers: Promise<Readers> | undefined;
  readonly #running = new Set<Promise<unknown>>();

  constructor(target: Target, redactor: Redactor, closed: AbortSignal) {
    this.#target = target;
    this.#redactor = redactor;
    this.#closed = closed;
    this.#rates = target.queue && new Rates(target.queue);
  }

  /** Finds the log, and again where it was not there. */
  #ready(): Promise<Readers> {
    return this.#readers ??= this.#find().catch((error) => {
      this.#readers = undefined;
      throw error;
    });
  }

  async #find(): Promise<Readers> {
    const context = await this.#target.find();
    const redactor = this.#redactor;
    const { definition } = this.#target;
    return {
      context,
      overviews: new Overviews(context, redactor, this.#closed),
      records: new Records(context, redactor),
      states: new States(context, definition, redactor),
    };
  }

  /** Answers a request by its name. */
  get(name: AnswerName, query: Query): Promise<unknown> {
    return this.#run(() => this.#get(name, query));
  }

  /** Does something that the end waits for, and that does not begin behind it. */
  async #run<T>(task: () => Promise<T>): Promise<T> {
    this.#closed.throwIfAborted();
    const running = task();
    this.#running.add(running);
    return await running.finally(() => this.#running.delete(running));
  }

  async #get(name: AnswerName, query: Query): Promise<unknown> {
    const ready = await this.#ready();
    switch (name) {
      case "overview":
        return await this.#overview(ready);
      case "records": {
        const from = numberIn(query, "from", 1);
        const count = Math.min(numberIn(query, "count"), MAX_PAGE);
        return await ready.records.page(from, count);
      }
      case "record":
        return await this.#record(ready, numberIn(query, "seq", 1));
      case "state":
        return await ready.states.view(numberIn(query, "at"), this.#closed);
      case "queue":
        return await this.#queue(ready, query);
    }
  }

  async #overview(
    { overviews }: Readers,
  ): Promise<Omit<Overview, "actions" | "token">> {
    const files = await overviews.look();
    const { kind, queue, definition } = this.#target;
    const live = await this.#facts();
    const health = await this.#target.health?.();
    return {
      ...files,
      hasProgram: definition !== undefined,
      target: kind,
      hasQueue: queue !== undefined || files.holds === "queue",
      ...(live !== undefined && { live }),
      ...(health !== undefined && {
        health: healthRow(health, this.#redactor),
      }),
    };
  }

  async #facts(): Promise<LiveFacts | undefined> {
    return await this.#target.facts?.(this.#redactor);
  }

  async #record({ records }: Readers, seq: number): Promise<unknown> {
    const record = await records.whole(seq);
    if ("isMissing" in record) return record;
    const { state: data, leftOut } = pruned(record.data);
    return { ...record, data, leftOut };
  }

  async #queue({ states }: Readers, query: Query): Promise<unknown> {
    const { queue } = this.#target;
    if (queue !== undefined && !("at" in query)) {
      const answer = await queueAnswer(await shownBy(queue), this.#redactor);
      const rates = this.#rates?.now();
      return { ...answer, ...(rates && { rates }) } satisfies QueueAnswer;
    }
    const at = "at" in query ? numberIn(query, "at") : undefined;
    const found = await states.queue(at, this.#closed);
    return found === undefined
      ? { isMissing: true }
      : await queueAnswer({ found }, this.#redactor);
  }

  /** Looks for a text. */
  async search(
    query: Query,
    signal: AbortSignal,
  ): Promise<AsyncGenerator<SearchLine, void, undefined>> {
    const { text = "" } = query;
    if (text === "") throw new BadRequest("text is missing");
    const from = "from" in query ? numberIn(query, "from", 1) : 1;
    const { context } = await this.#ready();
    const redactor = this.#redactor;
    return this.#failing(search(context, { text, from, signal }, redactor));
  }

  /** The last line says what goes wrong with the log on the way. */
  async *#failing(
    lines: AsyncIterable<Hit | SearchProgress>,
  ): AsyncGenerator<SearchLine, void, undefined> {
    try {
      yield* lines;
    } catch (error) {
      if (error instanceof RedactFailure) throw error;
      yield { error: problemOf(error, this.#redactor) };
    }
  }

  /** Tells of what a writer appends. */
  async watch(
    signal: AbortSignal,
  ): Promise<AsyncGenerator<News, void, undefined>> {
    const { context } = await this.#ready();
    return watch(context, signal, this.#redactor);
  }

  /** Counts the events of an open queue until the returned function is called. */
  count(): () => void {
    return this.#rates?.watch() ?? (() => {});
  }

  /** Those of the actions that the target can do. */
  async possible(actions: readonly ActionName[]): Promise<ActionName[]> {
    if (actions.length === 0) return [];
    const isQueue = await this.#isQueue(await this.#ready());
    return actions.filter((action) => canAct(this.#target, isQueue, action));
  }

  /** Acts upon the target. */
  act(
    action: ActionName,
    input: Readonly<Record<string, unknown>>,
  ): Promise<ActionDone> {
    return this.#run(() => this.#act(action, input));
  }

  async #act(
    action: ActionName,
    input: Readonly<Record<string, unknown>>,
  ): Promise<ActionDone> {
    const ready = await this.#ready();
    const { context } = ready;
    const target = this.#target;
    const isQueue = await this.#isQueue(ready);
    return await act({ target, context, isQueue }, action, input);
  }

  async #isQueue({ context }: Readers): Promise<boolean> {
    const { kind } = this.#target;
    if (kind === "queue" || kind === "queueView") return true;
    if (kind !== "files") return false;
    const found = await summarizeDamagedLog(context);
    // An empty log may become one of either kind.
    return found.last > 0 && await isQueue(context, found);
  }

  /** Resolves when nothing is read any more. */
  async end(): Promise<void> {
    await Promise.allSettled(this.#running);
    await this.#rates?.end();
    const ready = await this.#readers?.catch(() => {});
    await ready?.overviews.end();
  }
}

function numberIn(query: Query, name: string, min = 0): number {
  const text = query[name] ?? "";
  const number = Number(text);
  if (/^\d+$/.test(text) && Number.isSafeInteger(number) && number >= min) {
    return number;
  }
  throw new BadRequest(`${name} must be a whole number of at least ${min}`);
}
