import type { Command, Input, Policy } from "./job_model.ts";

const COMMANDS = 40;

/** Numbers below a limit, the same for a seed. */
function numbers(from: number): (below: number) => number {
  let state = from >>> 0;
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) % below;
  };
}

/** Random commands, the same for a seed. */
export function generate(from: number): Command[] {
  const below = numbers(from);
  const pick = <I>(items: readonly I[]): I => items[below(items.length)]!;
  const may = <O extends object>(part: () => O): O | Record<never, never> =>
    below(3) === 0 ? part() : {};
  const n = () => below(1_000);
  const input = (): Input => ({
    payload: `m${n()}`,
    ...may(() => ({ priority: below(3) - 1 })),
    ...may(() => ({ group: pick(["a", "b"]) })),
    ...may(() =>
      pick([{ delayMs: 100 }, { delayMs: 700 }, { inMs: 300 }, { inMs: -50 }])
    ),
    ...may(() => ({ dedupeKey: pick(["k", "l"]) })),
    ...may(() => ({ headers: { trace: `${n()}` } })),
  });
  const policy = (): Policy => ({
    ...may(() => ({ keepFinished: { count: below(4) } })),
    ...may(() => ({ keepFinished: { bytes: 100 * (1 + below(6)) } })),
    ...may(() => ({ keepFinished: { ageMs: 400, count: 5 } })),
    ...may(() => ({ keepDead: pick([{ count: 2 }, { ageMs: 500 }]) })),
  });
  const changes = () =>
    pick([
      { payload: `u${n()}` },
      { delayMs: pick([0, 300]) },
      { priority: below(3) - 1 },
      { priority: 2, delayMs: 100 },
    ]);
  const kinds: (() => Command)[] = [
    ...Array(6).fill(() => ({ do: "enqueue", input: input() })),
    ...Array(5).fill(() => ({ do: "receive" })),
    () => ({ do: "ack", n: n(), ...may(() => ({ result: n() })) }),
    () => ({ do: "ack", n: n(), result: n() }),
    () => ({ do: "nack", n: n(), delayMs: pick([0, 200]) }),
    () => ({ do: "deadLetter", n: n() }),
    () => ({ do: "deadLetter", n: n() }),
    () => ({ do: "cancel", n: n() }),
    () => ({ do: "cancel", n: n() }),
    () => ({ do: "update", n: n(), changes: changes() }),
    () => ({ do: "update", n: n(), changes: changes() }),
    () => ({
      do: "redrive",
      which: pick(["one", "ids", "filter", "all"]),
      n: n(),
      ...may(() => ({ perSecond: pick([0.5, 3, 1_000]) })),
    }),
    () => ({ do: "wait", ms: pick([50, 400, 1_500]) }),
    () => ({ do: "wait", ms: pick([50, 400, 1_500]) }),
    () => ({
      do: "set the wall clock",
      ms: pick([-60_000, 60_000, 3_600_000]),
    }),
    () => ({ do: "reopen", policy: policy(), compact: below(2) === 0 }),
    () =>
      below(4) === 0 ? { do: "purge all" } : pick([
        { do: "pause" },
        { do: "resume" },
        { do: "resume" },
        { do: "purge one", n: n() },
      ]),
  ];
  return Array.from({ length: COMMANDS }, () => pick(kinds)());
}
