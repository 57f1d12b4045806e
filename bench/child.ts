/** Does one task under Deno: `child.ts NAME TASK`. */
import { FLOOR } from "./floor.ts";
import { AWAITED, LOGS } from "./logs.ts";
import * as ours from "./ours.ts";
import { snapshot } from "./our_snapshot.ts";
import { QUEUES } from "./queues.ts";
import { print, runTask } from "./run_task.ts";
import type { Task } from "./task.ts";

const [name, json] = Deno.args;
const task: Task = JSON.parse(json!);
if (task.isObserved) await import("./subscriber.ts");
if (name === "floor") print(await FLOOR[task.work]!(task));
if (task.work === "snapshot") print(await snapshot(task));
if (task.work === "page") {
  // Another commit that is compared has none.
  const { page } = await import("./page.ts");
  print(await page(task));
}
if (task.work === "view") {
  const { view } = await import("./view.ts");
  print(await view(task));
}
const { STORE, STATE, SNAPSHOT, WHOLE, SYNC, QUEUE } = ours;
// Another commit that is compared may lack some of these.
const all = [AWAITED, STORE, STATE, SNAPSHOT, WHOLE, SYNC].filter(Boolean);
await runTask([...all, ...LOGS], [QUEUE, ...QUEUES], Deno.args);
