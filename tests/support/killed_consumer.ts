// Run by tests/crash/consumer_kill_test.ts as a process of its own, which is killed: the consumer.
import { MiniStore } from "@mini/state/store";
import { tell } from "./kill.ts";

tell("opening");
try {
  const consumer = await MiniStore.consumer(Deno.args[0]!, "uploader");
  let commits = Promise.resolve();
  for await (const { seq, data } of consumer.follow()) {
    tell(`${seq} ${data}`);
    const commit = consumer.commit(seq);
    // Sometimes many share a write.
    if (seq % 7 === 0) await commit;
    else commits = Promise.all([commits, commit]).then(() => {});
  }
  await commits;
} catch (error) {
  tell(`error ${error}`);
}
