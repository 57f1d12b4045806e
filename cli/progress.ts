import type { AdminProgress } from "../admin/mod.ts";
import type { Terminal } from "./terminal.ts";
import { clipped, duration, size } from "../base/text.ts";

/** Work that is done sooner shows nothing. */
const FIRST_AFTER_MS = 150;
const THEN_EVERY_MS = 100;

/** The line that shows progress. Pure. */
function progressLine(
  doing: string,
  { done, total, seconds }: { done: number; total: number; seconds: number },
): string {
  const rate = done / Math.max(seconds, 0.001);
  const speed = `${size(Math.round(rate))}/s`;
  if (total === 0) return `${doing}  ${size(done)}  ${speed}`;
  // What is looked at twice counts twice, and a writer at work makes more.
  if (done > total) return `${doing}  ${speed}`;
  const percent = `${Math.floor(done / total * 100)} %`.padStart(5);
  const left = duration((total - done) / Math.max(rate, 1));
  return `${doing}  ${percent}  ${speed}  ${left} left`;
}

/** Shows on a terminal how far a command is; nothing anywhere else. */
export class Progress {
  readonly #terminal: Terminal;
  #start: number;
  #doing = "reading";
  #total = 0;
  #done = 0;
  #shownAt: number;
  #isShown = false;
  #isOver = false;

  constructor(terminal: Terminal) {
    this.#terminal = terminal;
    this.#start = terminal.now();
    this.#shownAt = this.#start + FIRST_AFTER_MS - THEN_EVERY_MS;
  }

  /** Says what is done from here on, and how many bytes that will be; 0 where nobody knows. */
  begin(doing: string, total: number): void {
    this.#doing = doing;
    this.#total = this.#done + total;
  }

  /** Shows how far a function of `/admin` is; each of its steps is as fast as it is. */
  show({ doing, doneBytes, totalBytes }: AdminProgress): void {
    if (doneBytes < this.#done) this.#start = this.#terminal.now();
    this.#doing = doing;
    this.#total = totalBytes;
    this.#done = doneBytes;
    this.#draw();
  }

  /** Counts bytes. */
  add(bytes: number): void {
    this.#done += bytes;
    this.#draw();
  }

  #draw(): void {
    if (this.#isOver || !this.#terminal.showsProgress) return;
    const now = this.#terminal.now();
    if (now - this.#shownAt < THEN_EVERY_MS) return;
    this.#shownAt = now;
    this.#isShown = true;
    const seconds = (now - this.#start) / 1000;
    const text = progressLine(this.#doing, {
      done: this.#done,
      total: this.#total,
      seconds,
    });
    const line = clipped(text, this.#terminal.columns - 1);
    this.#terminal.complain(`\r\u001b[K${line}`);
  }

  /** Shows nothing from here on: the command does not come to an end by itself. */
  end(): void {
    this.clear();
    this.#isOver = true;
  }

  /** Takes away what is shown, so that something else can be. */
  clear(): void {
    if (this.#isShown) this.#terminal.complain("\r\u001b[K");
    this.#isShown = false;
  }
}
