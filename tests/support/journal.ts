import { crc32 } from "node:zlib";
import { MiniError, MiniStore, type StoreOptions } from "@mini/state/store";
import type { MemoryFileSystem } from "@mini/state/testing";

/**
 * Writes journals as docs/FORMAT.md has them, sharing no code with the library:
 * what it writes is what the library must read.
 */
export class JournalBytes {
  readonly #lines: string[] = [];
  #chain = 0;

  constructor(header: Record<string, unknown> = {}) {
    this.add({
      mini: 1,
      journal: "00112233445566778899aabbccddeeff",
      base: 0,
      prev: "00000000",
      ...header,
    });
  }

  /** Adds a line with these fields behind its checksum. */
  add(fields: Record<string, unknown>): this {
    return this.addText(JSON.stringify(fields));
  }

  /** Adds a line with the fields in this JSON behind its checksum. */
  addText(json: string): this {
    const body = json.slice(1);
    const crc = hex(crc32(body, this.#chain));
    const line = `{"crc":"${crc}",${body}\n`;
    this.#chain = crc32(line, this.#chain);
    this.#lines.push(line);
    return this;
  }

  /** Adds records `first` to `last`, as a lone writer does. */
  records(first: number, last: number): this {
    for (let seq = first; seq <= last; seq++) {
      this.add({ seq, data: `record ${seq}` });
    }
    return this;
  }

  /** The running checksum at the end. */
  get chain(): string {
    return hex(this.#chain);
  }

  get text(): string {
    return this.#lines.join("");
  }

  get bytes(): Uint8Array<ArrayBuffer> {
    return new TextEncoder().encode(this.text);
  }
}

export function hex(crc: number): string {
  return crc.toString(16).padStart(8, "0");
}

/** The result of opening a journal: its records and what recovery says, or the code of the error. */
export async function openAndRead(
  path: string,
  options: StoreOptions<unknown> = {},
): Promise<{ data: unknown[]; outcome: string } | { code: string }> {
  try {
    await using store = await MiniStore.open<unknown>(path, options);
    const data = await Array.fromAsync(store.replay(), (record) => record.data);
    return { data, outcome: store.recovery.outcome };
  } catch (error) {
    if (error instanceof MiniError) return { code: error.code };
    throw error;
  }
}

/** The result of reading a journal without opening it. */
export async function readOnly(
  path: string,
  options: StoreOptions<unknown> = {},
): Promise<unknown[] | { code: string }> {
  try {
    return await Array.fromAsync(
      MiniStore.replay<unknown>(path, { ...options, ifMissing: "empty" }),
      (record) => record.data,
    );
  } catch (error) {
    if (error instanceof MiniError) return { code: error.code };
    throw error;
  }
}

/** The error that a promise rejects with. */
export async function errorOf(promise: Promise<unknown>): Promise<MiniError> {
  try {
    await promise;
  } catch (error) {
    if (error instanceof MiniError) return error;
    throw error;
  }
  throw new Error("it did not reject");
}

/** The names and the content of the files of a directory, but for its locks. */
export function contentOf(
  fs: MemoryFileSystem,
  directory: string = "/data",
): [name: string, content: Uint8Array | undefined][] {
  return fs.names(directory).filter((name) => !name.endsWith(".lock"))
    .map((name) => [name, fs.content(`${directory}/${name}`)]);
}
