// The power is cut below real file systems: a disk in a process of its own notes each write and flush, and of what it has not flushed anything may be left.
import { assert, assertEquals } from "@std/assert";
import { Random, randomSeed } from "@mini/state/testing";
import { Cutter } from "../support/power/cutter.ts";
import {
  FILE_SYSTEM_KINDS,
  type FileSystemName,
} from "../support/power/file_systems.ts";
import type { Plan, Report } from "../support/power/life.ts";
import { FILE_SYSTEMS, type Lie } from "../support/power/lying.ts";
import { type ProgramName, PROGRAMS } from "../support/power/programs.ts";
import { say } from "../support/report.ts";
import { size } from "../support/size.ts";
import { skipped } from "../support/system.ts";

/** Set SEED to choose the same again. The threads of the programs choose by themselves. */
const seed = Number(Deno.env.get("SEED") ?? randomSeed());
const random = new Random(seed);

const KINDS = Object.keys(FILE_SYSTEM_KINDS) as FileSystemName[];
const NAMES = Object.keys(PROGRAMS) as ProgramName[];
const LIES = Object.keys(FILE_SYSTEMS).filter((lie) =>
  lie !== "honest"
) as Lie[];

/** Those whose promises hang on each `fsync`: what is kept of a log does not hang on that of its directory. */
const HANGING: readonly ProgramName[] = ["log", "state", "queue"];

const pick = <T>(from: readonly T[]): T => from[random.below(from.length)]!;

/** The others take more time, and programs that are seldom there. */
const chosen = size<readonly FileSystemName[]>(["ext4"], KINDS);

function planOf(
  plan: Pick<Plan, "program" | "fileSystem"> & Partial<Plan>,
): Plan {
  return {
    lie: "honest",
    seed: random.below(2 ** 31),
    lives: size(2, plan.fileSystem === "ext4" ? 30 : 5),
    cuts: size(15, 160),
    rounds: size(5, 14),
    ...plan,
  };
}

/** Cuts the power of programs; where that cannot be done, says so, and returns nothing. */
async function cut(what: string, plans: readonly Plan[]): Promise<Report[]> {
  const opened = await Cutter.open();
  const cutter = typeof opened === "string" ? undefined : opened;
  await using _ = cutter;
  const found = await cutter?.cut(plans) ?? String(opened);
  if (typeof found !== "string") return found;
  skipped(what, found);
  return [];
}

for (const fileSystem of chosen) {
  Deno.test(`power cuts below ${fileSystem} lose nothing that was acknowledged, and invent nothing`, async () => {
    const programs = size([pick(NAMES), pick(NAMES)], NAMES);
    const reports = await cut(
      `power cuts below ${fileSystem}`,
      programs.map((program) => planOf({ program, fileSystem })),
    );
    if (reports.length === 0) return;
    const sum = (of: (report: Report) => number) =>
      reports.reduce((total, report) => total + of(report), 0);
    const contents = sum((report) => report.contents);
    const unmountable = sum((report) => report.unmountable);
    say(
      `${fileSystem}, seed ${seed}: ${programs.join(", ")}; ` +
        `${sum((report) => report.events)} writes and flushes, ` +
        `${sum((report) => report.acknowledged)} acknowledged, ` +
        `${contents} states of a disk, ${unmountable} of them not mountable`,
    );
    assertEquals(reports.flatMap(({ violations }) => violations), []);
    assert(unmountable < Math.max(3, contents / 50), `${unmountable}`);
  });
}

Deno.test("power cuts below ext4 find out who loses what is acknowledged", async () => {
  const plans = LIES.flatMap((lie) =>
    size([pick(HANGING)], HANGING).map((program) =>
      planOf({ program, fileSystem: "ext4", lie, cuts: 200 })
    )
  );
  const reports = await cut("power cuts below ext4 that are lied to", plans);
  for (const [at, { violations: [first] }] of reports.entries()) {
    const { program, lie } = plans[at]!;
    say(first ?? `${program}, ${lie}: nothing`);
    assert(first !== undefined, `${program}, ${lie}, seed ${seed}`);
  }
});
