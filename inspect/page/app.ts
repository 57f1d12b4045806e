import type { Overview } from "../api_types.ts";
import { hashOf, type Place, placeOf, type Tab } from "./parts/place.ts";
import { Delay } from "./parts/timer.ts";

/** Something that has changed: the journal, the record that is picked, whether the newest one is picked by itself, the view, or the message that is picked. */
export type Change = "info" | "at" | "following" | "tab" | "job";

/** Browsers mind an address that changes all the time. */
const ADDRESS_MS = 250;

/** The journal, the record and the view that the page shows. */
export class App {
  #info: Overview | undefined;
  #at = 0;
  #isFollowing = true;
  #tab: Tab = "log";
  #job: number | undefined;
  readonly #address: Delay = new Delay(
    ADDRESS_MS,
    () => history.replaceState(null, "", hashOf(this.place)),
  );
  readonly #listeners: ((change: Change) => void)[] = [];

  /** The journal, once it was looked at. */
  get info(): Overview | undefined {
    return this.#info;
  }

  /** The record that is picked. */
  get at(): number {
    return this.#at;
  }

  /** Whether the newest record is picked whenever there is one. */
  get isFollowing(): boolean {
    return this.#isFollowing;
  }

  get tab(): Tab {
    return this.#tab;
  }

  /** The message of the queue that is picked. */
  get job(): number | undefined {
    return this.#job;
  }

  /** Where the page is, for a link to it. */
  get place(): Place {
    return {
      tab: this.#tab,
      ...(!this.#isFollowing && { at: this.#at }),
      ...(this.#job !== undefined && { job: this.#job }),
    };
  }

  /** Tells one state of the journal from another. */
  get seen(): string {
    return `${this.#info?.sizeBytes} ${this.#info?.end}`;
  }

  /** The lowest number that can be looked at: that of the state before the first record. */
  get lowest(): number {
    return Math.max(0, (this.#info?.first ?? 1) - 1);
  }

  /** The highest number that can be looked at. */
  get last(): number {
    return this.#info?.last ?? 0;
  }

  /** Calls a function whenever something changes, in the order in which they were given. */
  onChange(listener: (change: Change) => void): void {
    this.#listeners.push(listener);
  }

  #changed(change: Change): void {
    for (const listener of this.#listeners) listener(change);
  }

  /** Takes the journal as it is now. */
  show(info: Overview): void {
    const isFirst = this.#info === undefined;
    this.#info = info;
    if (isFirst) this.#begin(placeOf(location.hash));
    const at = this.#isFollowing ? info.last : this.#within(this.#at);
    const isMoved = at !== this.#at;
    this.#at = at;
    this.#changed("info");
    if (isMoved || isFirst) this.#changed("at");
  }

  /** A page that is loaded again shows the same. */
  #begin({ tab, at, job }: Place): void {
    this.#at = at ?? 0;
    this.#isFollowing = at === undefined;
    this.#job = job;
    if (tab !== undefined && this.has(tab)) this.#tab = tab;
  }

  #within(at: number): number {
    return Math.min(Math.max(at, this.lowest), this.last);
  }

  /** Goes to a record, to stay there unless it is to follow. */
  go(at: number, isFollowing: boolean = false): void {
    if (this.#info === undefined) return;
    const to = this.#within(at);
    if (to === this.#at && isFollowing === this.#isFollowing) return;
    this.#at = to;
    this.#isFollowing = isFollowing;
    this.#changed("at");
    this.#address.start();
  }

  /** Stays with the record that is picked while others come. */
  stopFollowing(): void {
    this.#isFollowing = false;
    this.#changed("following");
  }

  showTab(tab: Tab): void {
    if (tab === this.#tab) return;
    this.#tab = tab;
    this.#changed("tab");
    this.#address.start();
  }

  /** Picks a message of the queue, or none. */
  showJob(job: number | undefined): void {
    if (job === this.#job) return;
    this.#job = job;
    this.#changed("job");
    this.#address.start();
  }

  /** Whether the journal has something for a view. */
  has(tab: Tab): boolean {
    const { holds, hasProgram, hasQueue } = this.#info ?? {};
    if (tab === "queue") return hasQueue === true;
    return tab !== "state" || holds !== "records" || hasProgram === true;
  }

  /** Goes to where a link leads. */
  open({ tab, at, job }: Place): void {
    this.showJob(job);
    if (tab !== undefined && this.has(tab)) this.showTab(tab);
    this.go(at ?? this.last, at === undefined);
  }
}
