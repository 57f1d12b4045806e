import { loadProgram } from "../program_module.ts";
import {
  type Call,
  type Command,
  journalOptions,
  type Outcome,
} from "../command.ts";
import { JOURNAL_OPTIONS } from "../command.ts";
import { locateOrLost } from "../../admin/read/locate.ts";

export const inspect: Command = {
  name: "inspect",
  operands: ["PATH"],
  summary: "show everything on a page in the browser, beside a writer",
  details: [
    "The page shows the records, with a search; the state as of each record;",
    "segments and snapshots to scale; the messages of a queue; and any damage. It is",
    "served on this machine only, at an address that cannot be guessed, until Ctrl-C.",
    "Under Deno it needs --allow-read=PATH --allow-net=127.0.0.1.",
    "",
    "Only the program knows what its mutations do. With --apply the page shows",
    "states: the module exports what StateManager.open takes, initial and apply, and",
    "codec, schema, upcast, migrate and version if the program has them. Its code is",
    "run. Node 20 loads no TypeScript: give it a .js or .mjs file.",
  ],
  options: [
    {
      name: "apply",
      value: "MODULE",
      summary: "the module with the options of the state",
    },
    {
      name: "port",
      value: "N",
      min: 0,
      max: 65_535,
      summary: "the port to listen on (0, a free one)",
    },
    ...JOURNAL_OPTIONS,
  ],
  examples: ["state --apply counter.ts", "jobs --port 8700"],
  async run(call: Call): Promise<Outcome> {
    const { args, progress, terminal, isJson, paint } = call;
    const context = await locateOrLost(
      call.args.operand(0),
      journalOptions(call),
    );
    // Other commands need not load a server.
    const { Api, serve } = await import("../../inspect/mod.ts");
    const module = args.text("apply");
    const program = module === undefined
      ? undefined
      : await loadProgram(module);
    progress.end();
    const api = new Api(context, program);
    const url = await serve(api, args.number("port") ?? 0);
    await terminal.write(
      isJson
        ? `${JSON.stringify({ url })}\n`
        : `${context.paths.active}\n${
          paint("bold", url)
        }\nonly reads; Ctrl-C ends it\n`,
    );
    return await new Promise<never>(() => {});
  },
};
