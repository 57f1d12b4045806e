/** OpenTelemetry's SDK under Node and Bun, beside the npm package. */
import { deepEqual } from "node:assert/strict";
import { installPackage, runModule, tools } from "./package.ts";
import { run } from "./process.ts";
import { findAll, inDepth } from "./runtime.ts";
import { missing, suite, table } from "./suite.ts";

const SDK = ["api@1.10.0", "context-async-hooks@3.1.1", "sdk-trace@3.1.1"]
  .map((name) => `@opentelemetry/${name}`);

const PROGRAM = `import { context } from "@opentelemetry/api";
import { AsyncLocalStorageContextManager } from "@opentelemetry/context-async-hooks";
import { InMemorySpanExporter, SimpleSpanProcessor, TracerProvider } from "@opentelemetry/sdk-trace";
import { instrument } from "@mini/state/otel";
import { MiniQueue } from "@mini/state/queue";
context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
const exporter = new InMemorySpanExporter();
const spanProcessors = [new SimpleSpanProcessor({ exporter })];
const tracer = new TracerProvider({ spanProcessors }).getTracer("test");
instrument({ tracer, onError: (error) => { throw error; } });
const queue = await MiniQueue.open("./" + process.version);
await tracer.startActiveSpan("request", async (span) => {
  await queue.enqueue("a");
  span.end();
});
await queue.work(async () => {
  await null;
  tracer.startSpan("handler").end();
}, { until: "empty" });
await queue.close();
const spans = exporter.getFinishedSpans();
let span = spans.find(({ name }) => name === "handler");
while (span !== undefined) {
  console.log(span.name.split(" ")[0]);
  const parent = span.parentSpanContext?.spanId;
  span = spans.find((one) => one.spanContext().spanId === parent);
}`;

for (const tool of await tools()) {
  const project = await installPackage(tool);
  const install = ["npm", "install", "--no-audit", "--no-fund", ...SDK];
  const { code, stderr } = await run(install, { cwd: project.dir });
  for (const name of ["Node", "Bun"] as const) {
    if (code !== 0) {
      missing(name, `npm install of OpenTelemetry's SDK failed: ${stderr}`);
      continue;
    }
    for (const program of inDepth(await findAll(name))) {
      suite(program.name, "OpenTelemetry", async () => {
        const file = `otel-${program.name.replace(/\W/g, "-")}.mjs`;
        const said = await runModule(program, project, PROGRAM, { file });
        const chain = ["handler", "process", "enqueue", "request"];
        deepEqual(said.trim().split("\n"), chain);
      });
    }
  }
}

table();
