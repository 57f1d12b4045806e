/** Does one task under Node, where what comes from npm is at home. */
import process from "node:process";
import { NODE_LOGS } from "./logs.ts";
import { NODE_QUEUES } from "./queues.ts";
import { runTask } from "./run_task.ts";

await runTask(NODE_LOGS, NODE_QUEUES, process.argv.slice(2));
