/** Opens and closes a log again and again while another thread starts processes: `unlocking.ts PATH`. */
import { MiniStore } from "@mini/state/store";

const STARTS_PROCESSES = `
postMessage("begun");
for (;;) await new Deno.Command("true").output();
`;
const [path] = Deno.args;
const code = new Blob([STARTS_PROCESSES], { type: "text/javascript" });
const worker = new Worker(URL.createObjectURL(code), { type: "module" });
await new Promise((resolve) => worker.onmessage = resolve);
// Without unlocking, about every sixth is LOCKED.
for (let times = 0; times < 200; times++) {
  await (await MiniStore.open<number>(path!)).close();
}
Deno.exit(0);
