import { styleText } from "node:util";
import type { Paint, Style } from "../admin/internal.ts";

/** Where a command runs: the one seam to the process. */
export interface Terminal {
  /** Whether a person reads what is printed, rather than a program. */
  readonly isInteractive: boolean;
  /** Whether another program reads what is printed, and may have seen enough. */
  readonly isPipe: boolean;
  /** The same as `isInteractive` for messages. */
  readonly showsProgress: boolean;
  /** Whether a person wants colours. */
  readonly hasColour: boolean;
  /** How wide it is, in characters. */
  readonly columns: number;
  /** Prints; resolves when the reader can take more. Rejects with `EPIPE` once nobody reads. */
  write(text: string): Promise<void>;
  /** Takes away what it shows, so that the next text stands at its top. */
  clear(): Promise<void>;
  /** Prints a message beside what is printed. */
  complain(text: string): void;
  /** Milliseconds since some moment, never going back. */
  now(): number;
  sleep(ms: number): Promise<void>;
}

const FORMATS: Readonly<Record<Style, Parameters<typeof styleText>[0]>> = {
  good: "green",
  bad: "red",
  warn: "yellow",
  faint: "dim",
  bold: "bold",
};

/** How to paint on a terminal. */
export function painter({ hasColour }: Pick<Terminal, "hasColour">): Paint {
  return (style, text) =>
    // Its own look at terminal and environment would ask Deno for a permission.
    hasColour
      ? styleText(FORMATS[style], text, { validateStream: false })
      : text;
}

/** The size of a chunk of output. */
const CHUNK_CHARS = 64 * 1024;

/** Prints many lines without waiting for each. */
export class LineWriter {
  readonly #terminal: Terminal;
  #text = "";

  constructor(terminal: Terminal) {
    this.#terminal = terminal;
  }

  async line(text: string): Promise<void> {
    this.#text += `${text}\n`;
    if (this.#text.length >= CHUNK_CHARS) await this.flush();
  }

  async flush(): Promise<void> {
    const text = this.#text;
    this.#text = "";
    if (text !== "") await this.#terminal.write(text);
  }
}
