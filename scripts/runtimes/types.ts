/** The types of the npm package, for who imports it and who requires it. */
import { join } from "@std/path";
import type { PackedProject } from "./package.ts";
import { ROOT, run, succeed } from "./process.ts";
import { suite } from "./suite.ts";

/** The program of a consumer in TypeScript, in a module or for CommonJS. */
const CONSUMER = `
import { MiniError, StateManager } from "@mini/state";
import { MiniStore, type MiniErrorCode } from "@mini/state/store";
import { SnapStore } from "@mini/state/snap";
import { StateManager as Same } from "@mini/state/state";
import { MiniQueue } from "@mini/state/queue";
import { MemoryFileSystem } from "@mini/state/testing";
import { stat, type StatReport, verify } from "@mini/state/admin";
import { main } from "@mini/state/cli";
import { instrument, type Span, type Tracer } from "@mini/state/otel";

export async function consume(): Promise<void> {
  const same: typeof StateManager = Same;
  const manager = await same.open("./data", {
    initial: () => ({ value: 0 }),
    apply: (state, op: { by: number }) => { state.value += op.by; },
  });
  const value: number = manager.state.value;
  // @ts-expect-error -- a mutation has a number
  await manager.apply({ by: "one" });
  const fs = new MemoryFileSystem();
  fs.put("/log", new Uint8Array(1));
  const store = await MiniStore.open<{ set: number }>("./log", { fs });
  for await (const { seq, data } of store.replay()) { const n: number = seq + data.set; void n; }
  const code: MiniErrorCode = new MiniError("CLOSED", "closed").code;
  const queue = await MiniQueue.open<string>("./jobs");
  const payload: string | undefined = (await queue.receive())?.payload;
  const report: StatReport = await stat("./jobs");
  const blocked: boolean = (await verify("./log")).findings.some(({ blocksOpen }) => blocksOpen);
  const named = (tracer: Tracer): Span => tracer.startSpan("name");
  void [report, blocked, named, instrument];
  void [value, code, payload, new SnapStore<number>("./data"), main];
}
`;

/** A module that takes what CommonJS has made: a class has one type, however it came. */
const MIXED = `
import { MiniStore } from "@mini/state/store";
import { opened } from "./required.cjs";
const store: MiniStore<number> = await opened;
void store;
`;

const REQUIRED = `
import store = require("@mini/state/store");
export const opened = store.MiniStore.open<number>("./log");
`;

const CONSUMERS: Readonly<Record<string, string>> = {
  "consumer.mts": CONSUMER,
  "consumer.cts": CONSUMER,
  "mixed.mts": MIXED,
  "required.cts": REQUIRED,
  // What has no `exports` has no such endings either.
  "commonjs/consumer.ts": CONSUMER,
  "commonjs/package.json": '{ "type": "commonjs" }',
};

const BOTH = Object.keys(CONSUMERS).filter((name) => /\.[cm]ts$/.test(name));

/** The oldest TypeScript that the README names, the newest that there is, and what they are told. */
const COMPILED: readonly [
  version: string,
  options: Readonly<Record<string, string>>,
  files: readonly string[],
][] = [
  ["5.4", { module: "node16" }, BOTH],
  ["5.4", { module: "commonjs", moduleResolution: "node10" }, [
    "commonjs/consumer.ts",
  ]],
  ["latest", { module: "nodenext" }, BOTH],
];

/** Commands that check a tarball, and fail where they find a flaw. */
const JUDGES: readonly (readonly [command: string, ...flags: string[]])[] = [
  ["publint", "--strict"],
  ["attw", "--no-color"],
];

/** All of these, from npm's registry. */
const TOOLS = [
  "typescript-5.4@npm:typescript@5.4",
  "typescript-latest@npm:typescript@latest",
  "publint@0.3",
  "@arethetypeswrong/cli@0.18",
];

/** Registers: consumers compile in a project that has the package, and its tarball is judged. */
export function types(name: string, { dir: at, tarball }: PackedProject): void {
  suite(name, "types", async ({ note, skip }) => {
    const dir = join(at, "types");
    await Deno.mkdir(join(dir, "commonjs"), { recursive: true });
    for (const [name, text] of Object.entries(CONSUMERS)) {
      await Deno.writeTextFile(join(dir, name), text);
    }
    const check = [Deno.execPath(), "check", "consumer.mts"];
    await succeed(check, { cwd: dir });
    await compile(dir, { module: "nodenext" }, BOTH);
    note("Deno, the TypeScript of the project");
    const tools = join(dir, "tools");
    await Deno.mkdir(tools);
    const install = ["npm", "install", "--no-audit", "--no-fund", ...TOOLS];
    const installed = await run([...install, "--prefix", tools], {
      cwd: tools,
    });
    if (installed.code !== 0) {
      return skip(`${TOOLS.join(", ")} cannot be had: ${installed.stderr}`);
    }
    const modules = join(tools, "node_modules");
    for (const [version, options, files] of COMPILED) {
      const config = await configured(dir, options, files);
      const tsc = join(modules, `typescript-${version}/bin/tsc`);
      await succeed(["node", tsc, "-p", config], { cwd: dir });
      note(`${version} ${Object.values(options).join(" ")}`);
    }
    for (const [command, ...flags] of JUDGES) {
      const bin = Deno.build.os === "windows" ? `${command}.cmd` : command;
      const judge = [join(modules, ".bin", bin), tarball, ...flags];
      await succeed(judge, { cwd: dir });
      note(command);
    }
  });
}

/** Compiles files of a project with the TypeScript of this repository. */
export async function compile(
  dir: string,
  options: Readonly<Record<string, string>>,
  files: readonly string[],
): Promise<void> {
  const config = await configured(dir, options, files);
  const tsc = join(ROOT, "node_modules/typescript/bin/tsc");
  await succeed([Deno.execPath(), "run", "-A", tsc, "-p", config]);
}

/** Writes what TypeScript is told, with nothing in it that would look away. */
async function configured(
  dir: string,
  options: Readonly<Record<string, string>>,
  files: readonly string[],
): Promise<string> {
  const compilerOptions = {
    strict: true,
    exactOptionalPropertyTypes: true,
    skipLibCheck: false,
    noEmit: true,
    target: "es2022",
    lib: ["es2022", "esnext.disposable", "dom"],
    types: [],
    ...options,
  };
  const name = `tsconfig.${Object.values(options).join(".")}.json`;
  const text = JSON.stringify({ compilerOptions, files });
  await Deno.writeTextFile(join(dir, name), text);
  return join(dir, name);
}
