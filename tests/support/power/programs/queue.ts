import { MiniQueue } from "@mini/state/queue";
import type { Moment } from "../notes.ts";
import {
  callers,
  must,
  type Program,
  textOf,
  type Workplace,
} from "../program.ts";
import { mustVerify } from "./log.ts";

const MESSAGES = "message";
const DONE = "done";
const POSTED = "posted";
const FINISHED = "finished";

/** The kinds of messages, by the letter that their payload begins with: how they get in, and how they are done with. */
const KINDS = { e: [MESSAGES, DONE], p: [POSTED, FINISHED] } as const;
type Letter = keyof typeof KINDS;

const OPTIONS = { maxSegmentBytes: 8_000, maxAttempts: 1_000, inbox: true };

/** More than a queue of this program ever holds. */
const MANY = 100_000;

const payloadOf = (letter: Letter, number: number) =>
  `${letter}${textOf(number)}`;

function parse(payload: string): { letter: Letter; number: number } {
  const letter = payload[0] as Letter;
  const number = parseInt(payload.slice(1));
  must(payload === payloadOf(letter, number), `a message holds ${payload}`);
  return { letter, number };
}

/** A queue with an inbox: messages are enqueued and posted, received and acknowledged, and its log is compacted. */
export const QUEUE: Program = {
  name: "a queue with an inbox",
  kind: MESSAGES,
  async work(place) {
    const { dir, fs, notes, rounds } = place;
    const path = `${dir}/queue`;
    await using queue = await MiniQueue.open<string>(path, { ...OPTIONS, fs });
    for (let round = 0; round < rounds; round++) {
      await Promise.all([
        callers(3, 3, async () => {
          const number = notes.begin(MESSAGES);
          await queue.enqueue(payloadOf("e", number));
          notes.acknowledge(MESSAGES, number);
        }),
        post(path, place),
        settle(queue, place),
      ]);
      if (round % 5 === 4) await queue.compact();
    }
  },
  async recover({ dir, fs }, moment) {
    const path = `${dir}/queue`;
    await mustVerify(`${path}/journal.jsonl`);
    await using queue = await MiniQueue.open<string>(path, { ...OPTIONS, fs });
    const pending = (await queue.peek(MANY)).map(({ payload }) =>
      parse(payload)
    );
    must((await queue.stats()).dead === 0, "messages are dead");
    const found: Record<string, number[]> = {};
    for (const letter of ["e", "p"] as const) {
      const [into, out] = KINDS[letter];
      const numbers = pending.filter((each) => each.letter === letter)
        .map(({ number }) => number);
      Object.assign(found, checkMessages(moment, into, out, numbers));
    }
    const next = 1 + Math.max(0, ...found[MESSAGES]!);
    await queue.enqueue(payloadOf("e", next));
    return found;
  },
};

async function post(path: string, { fs, notes }: Workplace): Promise<void> {
  const number = notes.begin(POSTED);
  await MiniQueue.post(path, payloadOf("p", number), { fs });
  notes.acknowledge(POSTED, number);
}

/** Receives some messages, and acknowledges them. */
async function settle(
  queue: MiniQueue<string>,
  { notes, random }: Workplace,
): Promise<void> {
  const messages = await queue.receiveBatch(1 + random.below(12));
  await Promise.all(messages.map(async (message) => {
    if (random.oneIn(8)) return await message.nack();
    const { letter, number } = parse(message.payload);
    const done = KINDS[letter][1];
    notes.begin(done, number);
    await message.ack();
    notes.acknowledge(done, number);
  }));
}

/** Throws where the messages that are pending are not those that must be. Returns those that were ever there, and those that are done. */
function checkMessages(
  moment: Moment,
  into: string,
  out: string,
  numbers: readonly number[],
): Record<string, number[]> {
  const pending = new Set(numbers);
  must(pending.size === numbers.length, `${into}: one is there twice`);
  const last = Math.max(0, moment.lastBegun(into), ...numbers);
  const entered: number[] = [];
  const left: number[] = [];
  for (let number = 1; number <= last; number++) {
    const what = `${into} ${number}`;
    if (pending.has(number)) {
      must(moment.isBegun(into, number), `${what} was invented`);
      must(!moment.isAcknowledged(out, number), `${what} is ${out}, and there`);
      entered.push(number);
    } else if (moment.isBegun(out, number)) {
      entered.push(number);
      left.push(number);
    } else {
      must(!moment.isAcknowledged(into, number), `${what} is lost`);
    }
  }
  return { [into]: entered, [out]: left };
}
