import type { JournalContext } from "../store/internal.ts";
import { type News, watch } from "./changes.ts";
import { queueView } from "./messages.ts";
import type { Program } from "./definition.ts";
import { Overviews } from "./overview.ts";
import { pruned } from "./prune.ts";
import { recordPage, wholeRecord } from "./records.ts";
import { type Hit, search, type SearchProgress } from "./search.ts";
import { States } from "./states/states.ts";

/** The parameters of a request. */
export type Query = Readonly<Record<string, string>>;

/** A request that makes no sense. */
export class BadQuery extends TypeError {}

/** The most records in one answer. */
const MAX_PAGE = 500;

/** Everything that the page asks about a journal. Nothing of it writes. */
export class Api {
  readonly #context: JournalContext;
  readonly #overviews: Overviews;
  readonly #states: States;
  readonly #hasProgram: boolean;

  constructor(context: JournalContext, program: Program | undefined) {
    this.#context = context;
    this.#overviews = new Overviews(context);
    this.#states = new States(context, program);
    this.#hasProgram = program !== undefined;
  }

  /** Answers a request by its name; `undefined` if there is no such name. */
  get(
    name: string,
    query: Query,
    signal: AbortSignal,
  ): Promise<unknown> | undefined {
    switch (name) {
      case "overview":
        return this.#overview();
      case "records": {
        const count = Math.min(numberIn(query, "count"), MAX_PAGE);
        return recordPage(this.#context, numberIn(query, "from", 1), count);
      }
      case "record":
        return this.#record(numberIn(query, "seq", 1));
      case "state":
        return this.#states.view(numberIn(query, "at"), signal);
      case "queue":
        return this.#queue(query, signal);
    }
    return undefined;
  }

  async #overview(): Promise<unknown> {
    const overview = await this.#overviews.look();
    return { ...overview, hasProgram: this.#hasProgram };
  }

  async #record(seq: number): Promise<unknown> {
    const record = await wholeRecord(this.#context, seq);
    if ("isMissing" in record) return record;
    const { state: data, leftOut } = pruned(record.data);
    return { ...record, data, leftOut };
  }

  async #queue(query: Query, signal: AbortSignal): Promise<unknown> {
    const at = "at" in query ? numberIn(query, "at") : undefined;
    const found = await this.#states.queue(at, signal);
    return found === undefined ? { isMissing: true } : queueView(found);
  }

  /** Looks for a text, and tells of hits as they are found. */
  search(
    query: Query,
    signal: AbortSignal,
    tell: (told: Hit | SearchProgress) => Promise<void>,
  ): Promise<void> {
    const { text = "" } = query;
    if (text === "") throw new BadQuery("text is missing");
    const from = "from" in query ? numberIn(query, "from", 1) : 1;
    return search(this.#context, { text, from, signal }, tell);
  }

  /** Tells of what a writer appends. */
  watch(
    signal: AbortSignal,
    tell: (news: News) => Promise<void>,
  ): Promise<void> {
    return watch(this.#context, signal, tell);
  }
}

function numberIn(query: Query, name: string, min = 0): number {
  const text = query[name] ?? "";
  const number = Number(text);
  if (/^\d+$/.test(text) && Number.isSafeInteger(number) && number >= min) {
    return number;
  }
  throw new BadQuery(`${name} must be a whole number of at least ${min}`);
}
