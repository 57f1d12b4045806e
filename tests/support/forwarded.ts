import { forward, type ForwardOptions } from "@mini/state/jetstream";
import { MiniStore } from "@mini/state/store";
import { MemoryFileSystem } from "@mini/state/testing";
import type { FakeNats } from "./fake_nats.ts";

const PATH = "/device/journal.jsonl";

/** The options of all forwarding here. */
export const options: ForwardOptions = {
  consumer: "uplink",
  stream: "S",
  backoff: () => 0,
};

/** A message of a log, as a reader in another language sees it. */
export interface Message {
  readonly subject: string;
  readonly seq: number;
  readonly log: string;
  readonly id: string;
  readonly at: string | undefined;
  readonly data: unknown;
}

/** The messages of logs that a stream holds. */
export function messagesIn(nats: FakeNats, stream = "S"): Message[] {
  const all = [...nats.streams.get(stream)?.messages.values() ?? []];
  return all.map(({ subject, hdrs, data }) => {
    const value = (name: string) =>
      new RegExp(`^${name}: (.*)\r$`, "m").exec(hdrs)?.[1];
    return {
      subject,
      seq: Number(value("Mini-Seq")),
      log: value("Mini-Log") ?? "",
      id: value("Nats-Msg-Id") ?? "",
      at: value("Mini-At"),
      text: new TextDecoder().decode(data),
    };
  }).filter(({ log }) => log !== "").map(({ text, ...message }) => ({
    ...message,
    data: JSON.parse(text),
  }));
}

/** Forwards until the stream holds a number of messages of logs. */
export async function forwardUntil(
  source: MiniStore<unknown> | string,
  nats: FakeNats,
  count: number,
  more: Partial<ForwardOptions> = {},
): Promise<void> {
  const stop = new AbortController();
  const nc = nats.connect();
  const { request } = nc;
  nc.request = async (...args) => {
    try {
      return await request(...args);
    } finally {
      // Once the answer was taken.
      if (messagesIn(nats).length >= count) setTimeout(() => stop.abort());
    }
  };
  const { signal } = stop;
  await forward(source, nc, { ...options, signal, ...more });
}

/** Opens a log, in memory if nothing else is given. */
export async function opened(
  fs: MemoryFileSystem = new MemoryFileSystem(),
  more: { timestamps?: boolean; maxSegmentBytes?: number } = {},
): Promise<MiniStore<unknown>> {
  return await MiniStore.open<unknown>(PATH, { fs, ...more });
}

/** The numbers of their records. */
export function seqs(messages: readonly Message[]): number[] {
  return messages.map(({ seq }) => seq);
}

/** The numbers from 1 to one. */
export function upTo(last: number): number[] {
  return Array.from({ length: last }, (_, at) => at + 1);
}
