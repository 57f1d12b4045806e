/** The tests of a consumer, for any runner that has `test` and `expect` as globals. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { MiniQueue } from "@mini/state/queue";
import { StateManager } from "@mini/state/state";
import { MiniStore } from "@mini/state/store";
import { cutPower, MemoryFileSystem, Random } from "@mini/state/testing";

const { expect, test } = globalThis;

const counter = {
  initial: () => ({ value: 0 }),
  apply: (state, { by }) => {
    state.value += by;
  },
};

test("a log in memory whose power is cut", async () => {
  const fs = new MemoryFileSystem();
  const store = await MiniStore.open("/log.jsonl", { fs });
  expect(await store.append({ a: [1, "x"] })).toBe(1);
  await store.append({ a: [2] }, { durable: false });
  const left = cutPower(fs.snapshot(), new Random(7));
  const again = await MiniStore.open("/log.jsonl", { fs: left });
  const found = [];
  for await (const { data } of again.replay()) found.push(data);
  expect(found[0]).toEqual({ a: [1, "x"] });
});

test("a state and a queue on the disk", async () => {
  const dir = await mkdtemp(join(tmpdir(), "mini-state-tested-"));
  const state = await StateManager.open(join(dir, "state"), counter);
  await state.apply({ by: 2 });
  await state.createSnapshot();
  expect(state.state).toEqual({ value: 2 });
  await state.close();
  const queue = await MiniQueue.open(join(dir, "queue"));
  await queue.enqueue({ job: 1 });
  const message = await queue.receive();
  expect(message.payload).toEqual({ job: 1 });
  await message.ack();
  await queue.close();
  const late = queue.enqueue({ job: 2 });
  await expect(late).rejects.toMatchObject({ code: "CLOSED" });
  await expect(MiniStore.open(5)).rejects.toThrow(TypeError);
  await rm(dir, { recursive: true });
});
