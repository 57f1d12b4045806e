// What is done to a ledger and to its oracle, one entry at a time.
import { assertEquals } from "@std/assert";
import type { NewOracleMessage, OracleMessage } from "./ledger_oracle.ts";
import type { Pair } from "./ledger_pair.ts";

/** A step. Its numbers choose among what is there, so that a list of steps remains one when some are dropped. */
export interface Step {
  readonly what: string;
  readonly which: number;
  readonly how: number;
  readonly ms: number;
}

/** One of a list, by any number. */
function among<E>(all: readonly E[], which: number): E | undefined {
  return all[which % all.length];
}

/** Up to two of a list, each once. */
function twoAmong<E>(all: readonly E[], which: number): E[] {
  const two = [among(all, which), among(all, which >> 5)];
  return [...new Set(two)].filter((each) => each !== undefined);
}

/** An optional field, set if a bit of `how` is. */
function maybe<V>(how: number, bit: number, name: string, value: V): object {
  return (how >> bit) & 1 ? { [name]: value } : {};
}

type Run = (pair: Pair, step: Step) => Promise<unknown>;

async function enqueue({ oracle, now, enter }: Bound, step: Step) {
  const { which, how, ms } = step;
  const messages = Array.from({ length: 1 + which % 3 }, (_, n) => {
    const bits = how >> n;
    // Sometimes one that is there: it is not enqueued again.
    const again = bits % 16 === 15 ? among(oracle.messages, which) : undefined;
    return {
      id: again?.id ?? oracle.nextId + n,
      payload: { n: which % 7, text: "x".repeat(how % 50) },
      ...maybe(bits, 0, "group", "gh"[which & 1]),
      ...maybe(bits, 1, "priority", which % 3 - 1),
      ...maybe(bits, 2, "due", now + ms),
      ...maybe(bits >> 3, 0, "headers", { n: `${which}` }),
      ...(bits % 8 === 0 && { when: now + ms }),
      ...maybe(bits >> 5, 0, "dedupe", {
        key: `k${which % 3}`,
        until: now + 2 * ms,
      }),
    } as NewOracleMessage;
  });
  await enter({ enqueue: messages }, () => {
    for (const message of messages) oracle.enqueue(message);
  });
}

/** By a consumer, or by an entry. */
async function receive({ oracle, now, queue, enter }: Bound, { how }: Step) {
  const next = oracle.next(now);
  if (how % 2 === 1 && next !== undefined) {
    await enter({ receive: [next.id] }, () => oracle.deliver(next));
    return;
  }
  const message = await queue.receive();
  const expected = oracle.isPaused ? undefined : next;
  assertEquals(message?.id, expected?.id);
  if (expected) oracle.enter(now, () => oracle.deliver(expected));
}

function settlementOf(
  { id, receipt }: OracleMessage,
  { how, ms }: Step,
  now: number,
) {
  const as = (["acked", "retried", "dead"] as const)[how % 3]!;
  return {
    id,
    receipt,
    as,
    ...(as === "acked" && maybe(how, 3, "result", { of: id })),
    ...(as === "retried" && maybe(how, 3, "due", now + ms)),
    ...(as === "retried" && maybe(how, 4, "refund", true)),
    ...(as !== "acked" && maybe(how, 5, "reason", `failed ${how % 9}`)),
  } as {
    id: number;
    receipt: number;
    as: "acked" | "retried" | "dead";
    result?: unknown;
    due?: number;
    refund?: boolean;
    reason?: string;
  };
}

const settle =
  (kind: "settle" | "expire") =>
  async ({ oracle, now, enter }: Bound, step: Step) => {
    const settled = twoAmong(oracle.in("inFlight"), step.which)
      .map((message, n) => {
        const how = step.how >> n;
        const settlement = settlementOf(message, { ...step, how }, now);
        return { message, settlement };
      });
    const settlements = settled.map(({ settlement }) => settlement);
    const stale = { id: 1 + step.which % 9, receipt: 999, as: "acked" };
    await enter({
      [kind]: kind === "expire" ? [stale, ...settlements] : settlements,
    }, () => {
      for (const { message, settlement } of settled) {
        const { as, due = 0, refund = false, reason, result } = settlement;
        message.reason = reason ?? message.reason;
        if (as === "retried") {
          oracle.retry(message, due, refund);
          continue;
        }
        if (as === "dead") message.reason ??= "no reason was given";
        message.result = result;
        oracle.end(message, as === "acked" ? "done" : "dead");
      }
    });
  };

async function settleWrongly({ oracle, now, refuse }: Bound, step: Step) {
  const good = twoAmong(oracle.in("inFlight"), step.which)
    .map((message) => settlementOf(message, step, now));
  const wrong = { id: oracle.nextId, receipt: 1, as: "acked" };
  await refuse({ settle: [...good, wrong] });
}

async function cancel({ oracle, enter }: Bound, { which, how }: Step) {
  const all = twoAmong(oracle.messages, which);
  const reason = how % 2 === 1 ? { reason: `no ${how % 5}` } : {};
  await enter({
    cancel: [...all.map(({ id }) => ({ id, ...reason })), { id: 9_999 }],
  }, () => {
    for (const message of all) {
      if (!["waiting", "inFlight"].includes(message.state)) continue;
      message.reason = reason.reason;
      oracle.end(message, "cancelled");
    }
  });
}

async function update({ oracle, now, enter }: Bound, step: Step) {
  const { which, how, ms } = step;
  const all = twoAmong(oracle.messages, which);
  const changes = {
    ...maybe(how, 0, "payload", { updated: how }),
    ...maybe(how, 1, "due", how % 4 === 3 ? 0 : now + ms),
    ...maybe(how, 2, "priority", how % 3 - 1),
  } as { due?: number };
  await enter({ update: all.map(({ id }) => ({ id, ...changes })) }, () => {
    for (const message of all) {
      if (message.state !== "waiting") continue;
      Object.assign(message, changes);
      if (changes.due !== undefined) message.when = undefined;
    }
  });
}

async function progress({ oracle, enter }: Bound, { which, how }: Step) {
  const all = twoAmong(oracle.messages, which);
  const late = how % 4 === 0 ? 1 : 0;
  const of = ({ id, receipt }: OracleMessage) => ({
    id,
    receipt: Math.max(0, receipt - late),
    progress: how,
  });
  await enter({ progress: all.map(of) }, () => {
    for (const message of all) {
      const isCurrent = message.state === "inFlight" && late === 0;
      if (isCurrent) message.progress = how;
    }
  });
}

async function redrive({ oracle, now, enter }: Bound, step: Step) {
  const { which, how, ms } = step;
  const all = twoAmong(oracle.messages, which);
  const due = how % 2 === 1 ? now + ms : 0;
  const of = ({ id }: OracleMessage) => due === 0 ? id : { id, due };
  await enter({ redrive: [...all.map(of), 9_999] }, () => {
    for (const message of all) {
      if (message.state === "dead") oracle.redrive(message, due);
    }
  });
}

async function purge({ oracle, enter }: Bound, { which, how }: Step) {
  if (how % 8 === 0) {
    return await enter({ purge: "all" }, () => oracle.purge());
  }
  const ids = twoAmong(oracle.in("dead"), which).map(({ id }) => id);
  await enter({ purge: [...ids, 9_999] }, () => {
    oracle.messages = oracle.messages.filter(({ id }) => !ids.includes(id));
  });
}

async function policy({ oracle, enter }: Bound, { which, how, ms }: Step) {
  const finished = {
    ...maybe(how, 0, "count", 1 + which % 5),
    ...maybe(how, 1, "bytes", 100 + which % 900),
    ...maybe(how, 2, "ageMs", 1 + ms),
  };
  const dead = {
    ...maybe(how, 3, "count", 1 + which % 4),
    ...maybe(how, 4, "ageMs", 1 + 2 * ms),
  };
  const limits = {
    ...(how % 8 !== 0 && { finished }),
    ...(how % 32 >= 8 && { dead }),
  };
  await enter({ policy: limits }, () => {
    oracle.policy = limits;
  });
}

async function pause({ oracle, enter }: Bound, { how }: Step) {
  const paused = how % 3 === 0;
  await enter({ paused }, () => {
    oracle.isPaused = paused;
  });
}

/** Compacting drops keys that have expired, by an entry that only says the time. */
async function compact({ oracle, queue, now }: Pair) {
  await queue.compact();
  const isExpired = oracle.keys.some(({ until }) => until <= now);
  if (isExpired) oracle.enter(now, () => {});
}

/** The parts of a pair that a step uses. */
type Bound = Pick<Pair, "oracle" | "now" | "queue" | "enter" | "refuse">;

function bound(pair: Pair): Bound {
  const { oracle, now, queue } = pair;
  return {
    oracle,
    now,
    queue,
    enter: (event, change) => pair.enter(event, change),
    refuse: (event) => pair.refuse(event),
  };
}

export const RUN: Readonly<Record<string, Run>> = {
  ...Object.fromEntries(
    Object.entries({
      enqueue,
      receive,
      settle: settle("settle"),
      expire: settle("expire"),
      "settle wrongly": settleWrongly,
      cancel,
      update,
      progress,
      redrive,
      purge,
      policy,
      pause,
    }).map(([name, run]): [string, Run] => [
      name,
      (pair, step) => run(bound(pair), step),
    ]),
  ),
  wait: (pair, { ms }) => Promise.resolve(pair.clock.advance(ms)),
  compact,
  restart: (pair, { how }) => pair.restart(how % 2 === 1),
};
