/** Simulates the seeds that it is given, and answers with what came of them. */
import { parentPort, workerData } from "node:worker_threads";
import { simulateMany } from "./many.ts";

parentPort!.postMessage(await simulateMany(workerData));
