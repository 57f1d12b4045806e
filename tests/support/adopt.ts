import { TestDirectory } from "./dir.ts";
import { runScript } from "./child.ts";

/** A part of a file that was left out, as `mini adopt --json` reports it. */
export interface Lost {
  readonly line: number;
  readonly offset: number;
  readonly sizeBytes: number;
  readonly after: number;
  readonly reason: string;
}

/** The result of adopting a file. */
export interface Adopted {
  readonly code: number;
  /** The exit code of `mini verify` for the journal. */
  readonly verified: number;
  readonly records: unknown[];
  readonly report: {
    readonly records: number;
    readonly sizeBytes: number;
    readonly losses: number;
    readonly lostBytes: number;
    readonly lost: readonly Lost[];
  };
}

const SCRIPT = `
import process from "node:process";
import { main } from "@mini/state/cli";
import { MiniStore } from "@mini/state/store";
const [dir, count, ...options] = Deno.args;
let said = "";
process.stdout.write = (text, done) => (said += text, done?.(), true);
const run = async (args) => {
  said = "";
  process.exitCode = 0;
  await main([...args, "--json"]);
  return { code: process.exitCode, report: JSON.parse(said) };
};
const all = [];
for (let at = 0; at < Number(count); at++) {
  const to = dir + "/new/" + at + ".jsonl";
  const adopted = await run(["adopt", dir + "/" + at, to, ...options]);
  const { code: verified } = await run(["verify", to]);
  const records = await Array.fromAsync(MiniStore.replay(to), ({ data }) => data);
  all.push({ ...adopted, verified, records });
}
await Deno.writeTextFile(dir + "/all.json", JSON.stringify(all));
process.exitCode = 0;`;

/** Adopts files of these contents, all in one process. Fails if one of them has changed. */
export async function adoptAll(
  contents: readonly (Uint8Array | string)[],
  ...options: string[]
): Promise<Adopted[]> {
  await using directory = new TestDirectory();
  const files = contents.map((content) =>
    typeof content === "string" ? new TextEncoder().encode(content) : content
  );
  for (const [at, bytes] of files.entries()) {
    await Deno.writeFile(directory.at(`${at}`), bytes);
  }
  const args = [directory.path, `${files.length}`, ...options];
  const { success, stderr } = await runScript(SCRIPT, args);
  if (!success) throw new Error(stderr);
  for (const [at, bytes] of files.entries()) {
    const after = await Deno.readFile(directory.at(`${at}`));
    if (after.length !== bytes.length || after.some((b, i) => b !== bytes[i])) {
      throw new Error(`file ${at} has changed`);
    }
  }
  return JSON.parse(await Deno.readTextFile(directory.at("all.json")));
}
