// Run by tests/system/lock_test.ts as a process of its own: opens a log, again and again, beside others that do.
import { MiniStore } from "@mini/state/store";
import { tell } from "./kill.ts";

const [path = "", name = "", rounds = ""] = Deno.args;
const mark = `${path}.owner`;

for (let round = 0; round < Number(rounds); round++) {
  const store = await openWhenFree();
  // A process that finds it there is not alone.
  Deno.openSync(mark, { write: true, createNew: true }).close();
  const data = `${name} ${round}`;
  const seq = await store.append(data);
  Deno.removeSync(mark);
  await store.close();
  tell(`${seq} ${data}`);
}

async function openWhenFree(): Promise<MiniStore<string>> {
  for (;;) {
    try {
      return await MiniStore.open<string>(path);
    } catch (error) {
      if ((error as { code?: string }).code !== "LOCKED") throw error;
    }
  }
}
