// Whatever happens, in whatever order: each outcome settles, with what is on record.
import type { MessageOutcome, QueueEvent } from "@mini/state/queue";
import { MiniError } from "@mini/state/store";
import { MemoryFileSystem, Random, randomSeed } from "@mini/state/testing";
import { assert } from "@std/assert";
import {
  type Ack,
  begin,
  type Ending,
  eventsOf,
  Life,
  live,
  type Waiter,
} from "../support/outcome_life.ts";
import { say } from "../support/report.ts";
import { size } from "../support/size.ts";

const seed = Number(Deno.env.get("SEED") ?? randomSeed());
const LIVES = size(50, 2_000);

/** The outcome that an event tells. */
function endOf(event: QueueEvent<string>): MessageOutcome | undefined {
  const { type } = event;
  if (type === "done") return { state: type };
  if (type !== "dead" && type !== "cancelled") return undefined;
  const { reason } = event;
  return {
    state: type,
    ...(reason !== undefined && { reason }),
  } as MessageOutcome;
}

function check(
  events: readonly QueueEvent<string>[],
  waiter: Waiter,
  acks: readonly Ack[],
): void {
  const { id, since, stop, settled, process } = waiter;
  const what = `SEED=${seed}: outcome(${id}) since ${since}`;
  if (settled === undefined) {
    return assert(process.isDead, `${what} has not settled`);
  }
  const own = events.filter((event) => event.id === id);
  const before = own.findLast(({ seq }) => seq <= since);
  // One that had ended before has that outcome, unless it was redriven meanwhile.
  const isPossible = (event: QueueEvent<string>) =>
    event.seq > since || event === before;
  const possible = own.filter((event) => isPossible(event) && endOf(event));
  const last = possible.at(-1)?.seq ?? Infinity;
  assert(last > (waiter.untoldAt ?? 0), `${what} was not told before ${last}`);
  if ("error" in settled) {
    const { error } = settled;
    if (stop?.signal.aborted && error === "enough") return;
    if (!(error instanceof MiniError)) throw error;
    if (process.ending === "poisoned" && error.code === "POISONED") return;
    const isTold = since >= process.closedAt ||
      !possible.some(({ seq }) => seq <= process.closedAt);
    assert(error.code === "CLOSED" && isTold, `${what}: ${error}`);
  } else if (settled.outcome === undefined) {
    const isUnknown = before === undefined || possible.length > 0;
    assert(isUnknown, `${what} knows nothing of it`);
  } else {
    const { state, result, ...found } = settled.outcome as {
      state: string;
      result?: unknown;
    };
    const ends = possible.map((event) => JSON.stringify(endOf(event)));
    const end = JSON.stringify({ state, ...found });
    assert(ends.includes(end), `${what} is ${end}, on record is ${ends}`);
    if (state === "done") checkResult(what, result, acks);
  }
}

/** The result is that of the call which has acknowledged the message. */
function checkResult(
  what: string,
  found: unknown,
  acks: readonly Ack[],
): void {
  const done = acks.filter(({ standing }) => standing === "done");
  const unknown = acks.filter(({ standing }) => standing === "unknown");
  assert(done.length <= 1, `${what} was acknowledged ${done.length} times`);
  const given = (done.length === 1 ? done : unknown)
    .map(({ result }) => JSON.stringify(result));
  const text = JSON.stringify(found);
  assert(given.includes(text), `${what} has result ${text}, not ${given}`);
}

/** Two processes on one disk, and what those were told who waited. */
async function liveTwice(random: Random): Promise<Waiter[]> {
  const life = new Life(random);
  const isOwn = random.below(2) === 0;
  const keep = random.below(2) === 0 ? { keepFinished: { count: 3 } } : {};
  const endings: Ending[] = ["closed", "killed", "poisoned"];
  const ending = endings[random.below(endings.length)]!;
  let fs = new MemoryFileSystem();
  life.process = await begin(life, { fs, isOwn, ending, keep });
  fs = await live(life);
  life.process = await begin(life, { fs, isOwn, ending: "closed", keep });
  fs = await live(life);
  life.process = await begin(life, { fs, isOwn, ending: "closed", keep });
  const all = await eventsOf(life);
  for (const waiter of life.waiters) {
    check(all, waiter, life.acks.get(waiter.id) ?? []);
  }
  return life.waiters;
}

Deno.test("each outcome settles, with what is on record, whatever happens meanwhile", async () => {
  const random = new Random(seed);
  let [waited, known, results] = [0, 0, 0];
  for (let count = 0; count < LIVES; count++) {
    for (const { settled } of await liveTwice(random)) {
      waited++;
      if (!settled || !("outcome" in settled)) continue;
      if (settled.outcome !== undefined) known++;
      if (settled.outcome?.state === "done" && settled.outcome.result) {
        results++;
      }
    }
  }
  assert(results > 0, `SEED=${seed}: no result was told`);
  say(
    `outcomes: ${LIVES} lives, ${waited} outcomes, ${known} ends, ${results} results, SEED=${seed}`,
  );
});
