import type { DamageRow, RecordRow } from "../../api_types.ts";
import type { App } from "../app.ts";
import { ask } from "../server.ts";

const PAGE_ROWS = 200;
const MAX_PAGES = 40;

/** Some records that follow one another, as far as they have come. */
export interface Page {
  readonly records: ReadonlyMap<number, RecordRow>;
  readonly damages: readonly DamageRow[];
  /** Why they have not come. */
  readonly failure?: string;
  readonly isLoaded: boolean;
  readonly isComing: boolean;
  /** The end and the state of the journal when they were asked for. */
  readonly last: number;
  readonly seen: string;
}

/** The records that were in sight lately, asked for when they are needed. */
export class Pages {
  readonly #app: App;
  readonly #pages: Map<number, Page> = new Map();
  readonly #onPage: () => void;
  #problems = "";

  constructor(app: App, onPage: () => void) {
    this.#app = app;
    this.#onPage = onPage;
  }

  /** The page with a record, asked for where it is not there, or has grown. */
  with(seq: number): Page | undefined {
    const key = Math.floor(seq / PAGE_ROWS);
    const known = this.#pages.get(key);
    const { last, seen } = this.#app;
    const end = Math.min((key + 1) * PAGE_ROWS - 1, last);
    const isStale = known === undefined || known.last < end ||
      known.seen !== seen && end === last;
    if (isStale && !known?.isComing) void this.#load(key, known);
    return this.#pages.get(key);
  }

  /** Forgets the records of a log that was damaged, or repaired, meanwhile. */
  forgetMended(): void {
    const problems = JSON.stringify(this.#app.info?.problems);
    if (problems !== this.#problems) this.#pages.clear();
    this.#problems = problems;
  }

  async #load(key: number, known: Page = noPage()): Promise<void> {
    const { last, seen } = this.#app;
    const coming: Page = { ...known, isComing: true };
    this.#pages.delete(key);
    this.#pages.set(key, coming);
    const [oldest] = this.#pages.keys();
    if (this.#pages.size > MAX_PAGES) this.#pages.delete(oldest!);
    const loaded = await this.#ask(key);
    // It was forgotten meanwhile, and may have been asked for again.
    if (this.#pages.get(key) !== coming) return;
    const page = { ...known, ...loaded, last, seen, isComing: false };
    this.#pages.set(key, page);
    this.#onPage();
  }

  async #ask(key: number): Promise<Partial<Page>> {
    const from = Math.max(1, key * PAGE_ROWS);
    try {
      const count = (key + 1) * PAGE_ROWS - from;
      const { records, damages } = await ask("records", { from, count });
      const bySeq = new Map(records.map((record) => [record.seq, record]));
      return { records: bySeq, damages, isLoaded: true };
    } catch (error) {
      return { failure: error instanceof Error ? error.message : "" };
    }
  }
}

/** A page that has not come. */
function noPage(): Page {
  return {
    records: new Map(),
    damages: [],
    isLoaded: false,
    isComing: false,
    last: 0,
    seen: "",
  };
}
