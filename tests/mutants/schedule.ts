/** Mutants of schedules: each lets an occurrence be lost, fire twice, or fire by a clock that was never set. */
import type { Mutant } from "./mutant.ts";

const POWER_CUTS = {
  file: "tests/crash/schedule_test.ts",
  test:
    "MiniQueue: an occurrence has fired exactly where its message is, after a power cut at every call",
};
const clock = (test: string) => ({
  file: "tests/queue/schedule_clock_test.ts",
  test,
});

export const SCHEDULE_MUTANTS: readonly Mutant[] = [
  {
    name: "fired-in-a-record-of-its-own",
    file: "queue/schedule/schedules.ts",
    edits: [[
      "      await this.#log.enter({ fire }, isDurable);\n",
      `      await this.#log.enter({ schedule: fire.map(({ name, for: since }) => ({ name, clock: "wall", since })) }, true);
      await this.#log.enter({ fire }, isDurable);
`,
    ]],
    killedBy: POWER_CUTS,
  },
  {
    name: "fired-is-not-durable",
    file: "queue/schedule/schedules.ts",
    edits: [["enter({ fire }, isDurable)", "enter({ fire }, false)"]],
    killedBy: POWER_CUTS,
  },
  {
    name: "wall-clock-without-a-floor",
    file: "queue/schedule/schedules.ts",
    edits: [["wall < EARLIEST_MS ? undefined : wall", "wall"]],
    killedBy: clock("nothing fires while the wall clock was never set"),
  },
  {
    name: "what-has-fired-fires-again-after-a-jump-back",
    file: "queue/ledger/schedules.ts",
    edits: [[
      "  return fired.find(([from, to]) => from <= at && at <= to)?.[1];\n",
      "  return fired.find(([_, to]) => at === Infinity && at <= to)?.[1];\n",
    ]],
    killedBy: clock(
      "a clock that was wrong: the schedule continues from now, and passes over what has fired",
    ),
  },
  {
    name: "what-was-missed-counts-as-fired",
    file: "queue/ledger/schedules.ts",
    edits: [[
      "noteFired(schedule, at, at)",
      "noteFired(schedule, at, schedule.upTo ?? 0)",
    ]],
    killedBy: {
      file: "tests/queue/schedule_ledger_test.ts",
      test: "an occurrence fires once, however often its entry is applied",
    },
  },
];
