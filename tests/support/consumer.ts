import { crc32 } from "node:zlib";
import {
  type Consumer,
  type FileSystem,
  type LogRecord,
  MiniStore,
  type StoreOptions,
} from "@mini/state/store";
import type { MemoryFileSystem } from "@mini/state/testing";

export const PATH = "/data/journal.jsonl";
export const POSITION: string = `${PATH}.consumer.uploader`;

/** Opens a log in memory. */
export async function open(
  fs: FileSystem,
  options: StoreOptions<number> = {},
): Promise<MiniStore<number>> {
  return await MiniStore.open<number>(PATH, { ...options, fs });
}

/** The next records of a consumer, each of which its log has already. */
export async function take<T>(
  consumer: Consumer<T>,
  count: number,
): Promise<LogRecord<T>[]> {
  const records: LogRecord<T>[] = [];
  for await (const record of consumer.follow()) {
    records.push(record);
    if (records.length === count) break;
  }
  return records;
}

/** The position of the consumer "uploader" in its file. */
export function stored(fs: MemoryFileSystem): Record<string, unknown> {
  return JSON.parse(new TextDecoder().decode(fs.content(POSITION)));
}

/** Makes a consumer that has committed up to a record. */
export async function consumerAt(
  store: MiniStore<number>,
  name: string,
  seq: number,
): Promise<void> {
  await using consumer = await store.consumer(name);
  await consumer.reset(seq);
}

/** The next records of a consumer that is opened for them. */
export async function follow(
  store: MiniStore<number>,
  name: string,
  count: number,
): Promise<number[]> {
  await using consumer = await store.consumer(name);
  return (await take(consumer, count)).map(({ data }) => data);
}

/** A line like that of a position, with a checksum that fits. */
export function sealed(json: string): Uint8Array<ArrayBuffer> {
  const body = json.replace(/^\{("crc":"[0-9a-f]{8}",)?/, "");
  const crc = crc32(body).toString(16).padStart(8, "0");
  return new TextEncoder().encode(`{"crc":"${crc}",${body}\n`);
}
