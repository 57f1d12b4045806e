import { dirname } from "@std/path";
import { footprint } from "../admin/internal.ts";
import { isDirectory } from "../fs/directory.ts";
import type { OptionSpec } from "./args.ts";
import type { Call, Outcome } from "./command.ts";

/** A few times a second. */
const LOOK_MS = 300;

export const WATCH: OptionSpec = {
  name: "watch",
  summary: "print it again when the files change, until Ctrl-C",
};

/** Makes the report that is asked for; with `--watch` prints it, and a new one for each change, and never ends by itself. */
export async function watched(
  call: Call,
  make: () => Promise<Outcome>,
): Promise<Outcome> {
  if (!call.args.has(WATCH.name)) return await make();
  const { args, fs, isJson, progress, terminal } = call;
  const path = args.operand(0);
  const directory = await isDirectory(fs, path) ? path : dirname(path);
  let seen: string | undefined;
  let shown: string | undefined;
  for (;; await terminal.sleep(LOOK_MS)) {
    const files = await footprint(fs, directory);
    if (files === seen) continue;
    seen = files;
    const { report, lines = [] } = await make();
    progress.end();
    const json = JSON.stringify(report);
    if (json === shown) continue;
    const text = `${lines.join("\n")}\n`;
    if (isJson) await terminal.write(`${json}\n`);
    else if (terminal.isInteractive) {
      await terminal.clear();
      await terminal.write(text);
    } else await terminal.write(shown === undefined ? text : `\n${text}`);
    shown = json;
  }
}
