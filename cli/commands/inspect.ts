import { locateOrLost } from "../../admin/internal.ts";
import type { ActionName } from "../../inspect/mod.ts";
import { Misuse } from "../args.ts";
import { type Command, JOURNAL_OPTIONS, journalOptions } from "../command.ts";
import { serve } from "../inspect_server.ts";
import { loadProgram } from "../program_module.ts";

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
    "",
    "With --actions the page redrives, cancels and purges messages, pauses and resumes",
    "a queue, compacts, and makes snapshots of a state that --apply opens. No other",
    "program may have it open then; one that has can mount the page itself.",
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
    {
      name: "actions",
      value: "LIST",
      isOptional: true,
      summary: "allow actions (writes): all, or some, as redrive,cancel",
    },
    ...JOURNAL_OPTIONS,
  ],
  examples: ["state --apply counter.ts", "jobs --port 8700 --actions=redrive"],
  async run(call) {
    const { args, progress, terminal, isJson, paint } = call;
    const path = args.operand(0);
    const options = journalOptions(call);
    const { paths } = await locateOrLost(path, options);
    // Other commands need not load a page.
    const { ACTIONS, createInspector, toNodeHandler } = await import(
      "../../inspect/mod.ts"
    );
    const actions = actionsIn(args.text("actions"), ACTIONS);
    const module = args.text("apply");
    const given = {
      ...options,
      ...(module !== undefined && { definition: await loadProgram(module) }),
      actions,
    };
    progress.end();
    const url = await serve(
      args.number("port") ?? 0,
      (authorize) =>
        toNodeHandler(createInspector(path, { ...given, authorize })),
    );
    const does = actions.length === 0
      ? "only reads"
      : `reads, and on demand: ${actions.join(", ")}`;
    await terminal.write(
      isJson
        ? `${JSON.stringify({ url })}\n`
        : `${paths.active}\n${paint("bold", url)}\n${does}; Ctrl-C ends it\n`,
    );
    return await new Promise<never>(() => {});
  },
};

/** The actions that an option names: all of them where it is given alone. */
function actionsIn(
  text: string | undefined,
  all: readonly ActionName[],
): readonly ActionName[] {
  if (text === undefined) return [];
  if (text === "") return all;
  return text.split(",").map((name) => {
    const action = all.find((known) => known === name);
    if (action !== undefined) return action;
    throw new Misuse(`--actions has no "${name}"; there are ${all.join(", ")}`);
  });
}
