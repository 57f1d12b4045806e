// A process that is being started has all open files of the one that starts it, for a moment.
import { MiniStore } from "@mini/state/store";
import { TestDirectory } from "../support/dir.ts";
import { skipped } from "../support/system.ts";

const STARTS_PROCESSES = `
postMessage("begun");
for (;;) await new Deno.Command("true").output();
`;

Deno.test("MiniStore.close() frees the lock at once, also while another thread starts processes", async () => {
  if (Deno.build.os === "windows") {
    return skipped("a lock that a child has", "there is no true on Windows");
  }
  const code = new Blob([STARTS_PROCESSES], { type: "text/javascript" });
  const url = URL.createObjectURL(code);
  const worker = new Worker(url, { type: "module" });
  await new Promise((resolve) => worker.onmessage = resolve);
  await using directory = new TestDirectory();
  const path = directory.at("journal.jsonl");
  try {
    // Without unlocking, about every sixth is LOCKED.
    for (let times = 0; times < 200; times++) {
      await (await MiniStore.open<number>(path)).close();
    }
  } finally {
    worker.terminate();
    URL.revokeObjectURL(url);
  }
});
