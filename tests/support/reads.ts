/** Ways to read the folder /data, whatever is in it. */
import { assertEquals } from "@std/assert";
import { verify } from "@mini/state/admin";
import { MiniQueue, QueueView } from "@mini/state/queue";
import { SnapStore } from "@mini/state/snap";
import { StateManager } from "@mini/state/state";
import { MiniStore } from "@mini/state/store";
import type { MemoryFileSystem } from "@mini/state/testing";

const PATH = "/data/journal.jsonl";

/** A way to read a folder: resolves to what it holds, or rejects. */
export type Read = (fs: MemoryFileSystem) => Promise<unknown>;

export const readLog: Read = async (fs) => {
  const { findings } = await verify(PATH, { fs });
  const read = await Array.fromAsync(MiniStore.replay(PATH, { fs }));
  await using store = await MiniStore.open(PATH, { fs });
  const opened = await Array.fromAsync(store.replay());
  assertEquals([findings, opened], [[], read]);
  return read.map(({ data }) => data);
};

export const readState: Read = async (fs) => {
  await using state = await StateManager.open<string[], string>("/data", {
    fs,
    version: 2,
    initial: () => [],
    apply: (items, item) => {
      if (item === "no") throw new Error("no");
      items.push(item);
    },
  });
  return state.state;
};

export const readSnapshot: Read = async (fs) =>
  (await new SnapStore("/data", { fs }).restore())?.state;

export const readParts: Read = async (fs) => {
  const codec = {
    encode: () => [],
    decode: (parts: unknown) =>
      Array.fromAsync(parts as AsyncIterable<unknown>),
  };
  return (await new SnapStore<unknown>("/data", { fs, codec }).restore())
    ?.state;
};

export const readConsumer: Read = async (fs) => {
  await using consumer = await MiniStore.consumer(PATH, "a", { fs });
  return consumer.position;
};

export const readQueue: Read = async (fs) => {
  await using view = await QueueView.open("/data", { fs });
  const messages = await view.peek();
  await using queue = await MiniQueue.open("/data", { fs, inbox: true });
  assertEquals((await queue.peek()).length, messages.length);
  return messages.map(({ payload }) => payload);
};
