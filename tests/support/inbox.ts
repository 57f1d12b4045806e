import { MiniQueue, type PostOptions } from "@mini/state/queue";
import type { QueueOptions } from "@mini/state/queue";
import type { MiniError } from "@mini/state/store";
import { TestQueue } from "./queue.ts";

export const INBOX = "/data/inbox";
export const REFUSED: string = `${INBOX}/refused`;

/** The name of a file that some producer has posted. */
export const posted = (number: number): string =>
  `${"ab".repeat(16)}.${String(number).padStart(20, "0")}.json`;

/** A queue with an inbox on a disk in memory, and what it tells. */
export class TestInbox<T = string> extends TestQueue<T> {
  readonly told: MiniError[] = [];

  constructor(options: QueueOptions<T> = {}) {
    super({
      inbox: true,
      onError: (error) => this.told.push(error as MiniError),
      ...options,
    });
  }

  readonly post = (
    payload: unknown,
    options: PostOptions = {},
  ): Promise<void> =>
    MiniQueue.post("/data", payload, { fs: this.fs, ...options });

  /** Puts a file into the inbox as somebody else would. */
  put(name: string, content: string | Uint8Array<ArrayBuffer>): void {
    const bytes = typeof content === "string"
      ? new TextEncoder().encode(content)
      : content;
    this.fs.put(`${INBOX}/${name}`, bytes);
  }

  /** The files in the inbox. */
  get waiting(): string[] {
    return this.fs.names(INBOX);
  }

  /** The files that are no message. */
  get refused(): string[] {
    return this.fs.names(REFUSED);
  }

  get codes(): string[] {
    return this.told.map(({ code }) => code);
  }

  /** Lets every call of an operation on a path fail. */
  fail(operation: string, part: string, code: string): void {
    this.fs.hooks.before = (call) =>
      call.operation === operation && call.path.includes(part)
        ? { code }
        : undefined;
  }

  /** Lets every call succeed again. */
  mend(): void {
    this.fs.hooks = {};
  }
}

/** A line with its checksum. */
export const line = (rest: string, crc: string = crcOf(rest)): string =>
  `{"crc":"${crc}",${rest}\n`;
/** The content of a posted file. */
export const content = (messages: unknown, mini: unknown = 1): string =>
  line(`"mini":${mini},"messages":${JSON.stringify(messages)}}`);

function crcOf(text: string): string {
  let crc = -1;
  for (const byte of new TextEncoder().encode(text)) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) {
      crc = crc & 1 ? crc >>> 1 ^ 0xedb88320 : crc >>> 1;
    }
  }
  return (~crc >>> 0).toString(16).padStart(8, "0");
}

export const GOOD: string = content([{ payload: "good" }]);
