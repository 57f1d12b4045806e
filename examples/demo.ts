// deno run --allow-read --allow-write --allow-env --allow-run examples/demo.ts
/**
 * The main job on real input: a child process registers the packages of this
 * machine in a component registry, from many concurrent callers, and is killed
 * with SIGKILL at a random moment. The parent opens what is left and checks
 * that every registration the child was told is durable is there. Then again.
 */
import { join } from "node:path";
import { StateManager } from "@mini/state/state";
import { readComponents, REGISTRY } from "./demo_input.ts";
import type { Component } from "./demo_input.ts";

const ROUNDS = 4;
const CALLERS = 64;

if (Deno.args[0] === "child") await registerForEver(Deno.args[1]!);
else await main();

/** The child: registers components until it is killed, and says which are durable. */
async function registerForEver(dir: string): Promise<void> {
  const { components } = await readComponents();
  await using registry = await StateManager.open(dir, REGISTRY);
  const callers = Array.from({ length: CALLERS }, async (_, caller) => {
    for (let turn = caller;; turn += CALLERS) {
      const component = components[turn % components.length]!;
      const registration = {
        type: "register" as const,
        caller,
        turn,
        component,
      };
      const seq = await registry.apply(registration);
      // One write a line: what the parent reads is what was acknowledged before the kill.
      Deno.stdout.writeSync(
        new TextEncoder().encode(`${seq} ${caller} ${turn}\n`),
      );
    }
  });
  await Promise.all(callers);
}

interface Acknowledged {
  readonly caller: number;
  readonly turn: number;
}

interface Round {
  readonly round: number;
  readonly lifeMs: number;
  readonly acknowledged: number;
  readonly records: number;
  readonly lost: number;
  readonly outcome: string;
  readonly openMs: number;
}

async function main(): Promise<void> {
  const directory = await Deno.makeTempDir({ prefix: "mini-state-demo-" });
  try {
    await run(join(directory, "registry"));
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

async function run(dir: string): Promise<void> {
  const { components, source } = await readComponents();
  say(
    `Registering ${components.length} components (${source}) from ${CALLERS} concurrent callers.`,
  );
  say(`Each round the process is killed with SIGKILL while it writes.\n`);
  const acknowledged = new Map<number, Acknowledged>();
  const rounds: Round[] = [];
  for (let round = 1; round <= ROUNDS; round++) {
    const lifeMs = 300 + Math.floor(Math.random() * 900);
    const before = acknowledged.size;
    await runAndKill(dir, lifeMs, acknowledged);
    const found = await reopen(dir, acknowledged, components);
    const counts = { round, lifeMs, acknowledged: acknowledged.size - before };
    rounds.push({ ...counts, ...found });
    say(
      `round ${round}: killed after ${lifeMs} ms; reopened (${found.outcome}): ` +
        `${found.records} records, ${found.lost} lost`,
    );
    if (round === 1) await showLog(dir);
  }
  await travel(dir, rounds);
  showTable(rounds);
  const lost = rounds.reduce((sum, round) => sum + round.lost, 0);
  if (lost > 0) {
    say(`\n${lost} acknowledged records are lost.`);
    Deno.exitCode = 1;
    return;
  }
  say(
    `\nEvery one of ${acknowledged.size} acknowledged records is there, in order, as it was written.`,
  );
}

/** Runs the child for so long, and notes what it was told is durable. */
async function runAndKill(
  dir: string,
  lifeMs: number,
  acknowledged: Map<number, Acknowledged>,
): Promise<void> {
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", import.meta.filename!, "child", dir],
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  let timer: ReturnType<typeof setTimeout> | undefined;
  let rest = "";
  const decoder = new TextDecoder();
  for await (const chunk of child.stdout) {
    // Its life counts from the first acknowledgement: starting takes as long as it takes.
    timer ??= setTimeout(() => child.kill("SIGKILL"), lifeMs);
    const lines = (rest + decoder.decode(chunk, { stream: true })).split("\n");
    rest = lines.pop()!;
    for (const line of lines) {
      const [seq, caller, turn] = line.split(" ").map(Number);
      acknowledged.set(seq!, { caller: caller!, turn: turn! });
    }
  }
  clearTimeout(timer);
  const { signal, code } = await child.status;
  if (signal !== "SIGKILL" && code !== 1) {
    throw new Error(`The child ended by itself, with code ${code}`);
  }
}

/** Opens the registry and looks for every acknowledged registration. */
async function reopen(
  dir: string,
  acknowledged: ReadonlyMap<number, Acknowledged>,
  components: readonly Component[],
): Promise<Pick<Round, "records" | "lost" | "outcome" | "openMs">> {
  const start = performance.now();
  await using registry = await StateManager.open(dir, REGISTRY);
  const openMs = Math.round(performance.now() - start);
  let found = 0;
  for await (const { seq, mutation } of registry.history()) {
    const wanted = acknowledged.get(seq);
    const isSame = wanted?.caller === mutation.caller &&
      wanted.turn === mutation.turn &&
      mutation.component.name ===
        components[mutation.turn % components.length]!.name;
    if (isSame) found++;
  }
  const { sequence, state, recovery: { outcome } } = registry;
  if (state.registrations !== sequence) {
    throw new Error("The state is not what was logged");
  }
  await registry.createSnapshot();
  return {
    records: sequence,
    lost: acknowledged.size - found,
    outcome,
    openMs,
  };
}

/** Shows the registry at earlier times. */
async function travel(dir: string, rounds: readonly Round[]): Promise<void> {
  await using registry = await StateManager.open(dir, REGISTRY);
  const size = ({ versions }: { versions: object }) =>
    Object.keys(versions).length;
  say("\nTime travel, from snapshots and log:");
  for (const seq of [0, 100, ...rounds.map((round) => round.records)]) {
    const { registrations, versions } = await registry.at(seq);
    say(
      `  after record ${seq}: ${registrations} registrations of ${
        size({ versions })
      } components`,
    );
  }
}

async function showLog(dir: string): Promise<void> {
  const oldest = join(dir, `journal.${"0".repeat(20)}.jsonl`);
  const file = await Deno.readTextFile(oldest).catch(() =>
    Deno.readTextFile(join(dir, "journal.jsonl"))
  );
  say("\nThe log is plain JSONL; it begins:");
  for (const line of file.split("\n", 4)) {
    say(`  ${line.length > 110 ? `${line.slice(0, 109)}…` : line}`);
  }
  say("");
}

function showTable(rounds: readonly Round[]): void {
  const rows = [
    [
      "round",
      "lived",
      "acknowledged",
      "records after",
      "lost",
      "recovery",
      "reopened in",
    ],
    ...rounds.map((round) => [
      String(round.round),
      `${round.lifeMs} ms`,
      String(round.acknowledged),
      String(round.records),
      String(round.lost),
      round.outcome,
      `${round.openMs} ms`,
    ]),
  ];
  const widths = rows[0]!.map((_, column) =>
    Math.max(...rows.map((row) => row[column]!.length))
  );
  say("");
  for (const row of rows) {
    say(
      `  ${
        row.map((cell, column) => cell.padStart(widths[column]!)).join("  ")
      }`,
    );
  }
}

function say(line: string): void {
  // deno-lint-ignore no-console -- the demo is what it prints
  console.log(line);
}
