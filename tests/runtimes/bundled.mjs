/** A program that is bundled with the package, for ES modules or for CommonJS: `bundled.mjs DIR`. */
import process from "node:process";
import { MiniQueue } from "@mini/state/queue";
import { StateManager } from "@mini/state/state";
import { MiniStore } from "@mini/state/store";

async function main([dir]) {
  const path = `${dir}/journal.jsonl`;
  const store = await MiniStore.open(path);
  const seq = await store.append({ a: 1 });
  await store.close();
  const again = await MiniStore.open(path);
  const state = await StateManager.open(`${dir}/state`, {
    initial: () => ({ value: 0 }),
    apply: (state, { by }) => {
      state.value += by;
    },
  });
  await state.apply({ by: 2 });
  await state.createSnapshot();
  const queue = await MiniQueue.open(`${dir}/queue`);
  await queue.enqueue("job");
  const job = await queue.receive();
  await job.ack();
  // deno-lint-ignore no-console -- it is a program
  console.log(seq, again.recovery.outcome, state.state.value, job.payload);
  for (const open of [again, state, queue]) await open.close();
}

main(process.argv.slice(2)).catch((error) => {
  // deno-lint-ignore no-console -- it is a program
  console.error(error);
  process.exitCode = 1;
});
