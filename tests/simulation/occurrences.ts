import type {
  MiniQueue,
  QueueMessage,
  QueueOptions,
  ScheduleOptions,
} from "@mini/state/queue";
import { grid } from "../support/schedule.ts";
import { pick, type World } from "./world.ts";

const NAME = "tick";
const EVERY_MS = 2_000;
const DAY_MS = 86_400_000;

/** Lets time pass; unless `isSteady`, somebody may set the wall clock meanwhile. */
export function letTimePass(
  { random, process: { clock } }: World,
  isSteady = false,
): Promise<void> {
  if (random.oneIn(4) && !isSteady) {
    const jump = pick(random, [-DAY_MS, DAY_MS, 365 * DAY_MS]);
    clock.setWall(Math.max(0, clock.wall() + jump));
  }
  clock.advance(random.below(800));
  return Promise.resolve();
}

/** A message, as far as it tells which occurrence it is. */
export type Occurrence =
  & Pick<QueueMessage<string>, "id" | "payload">
  & { readonly scheduledFor?: Date | undefined };

/** The name of a message; that of an occurrence is the same in each message that it could have. */
export function nameOf({ payload, scheduledFor }: Occurrence): string {
  return scheduledFor === undefined
    ? payload
    : `${payload} ${scheduledFor.getTime()}`;
}

/** A queue with schedules. */
type Scheduled = Pick<MiniQueue<string>, "schedules">;

/** The occurrences of a schedule: which there were, and in which message. */
export class Occurrences {
  readonly #world: World;
  readonly #schedule: ScheduleOptions<string>;
  /** Whether each has to fire: nobody sets the wall clock then. */
  readonly isExact: boolean;
  /** The id of the message of each. */
  readonly #ids = new Map<number, number>();
  /** The first one that has to fire. */
  #first: number | undefined;

  constructor(world: World) {
    const { random } = world;
    this.#world = world;
    this.isExact = random.oneIn(2);
    this.#schedule = {
      when: grid(EVERY_MS),
      payload: NAME,
      missed: this.isExact ? "all" : pick(random, ["once", "skip"]),
      overlap: "allow",
    };
  }

  /** The options to open a queue with. */
  get options(): Pick<QueueOptions<string>, "schedules"> {
    return { schedules: { [NAME]: this.#schedule } };
  }

  /** Lets time pass in which no process runs. */
  rest(): void {
    const { random, process: { clock } } = this.#world;
    if (random.oneIn(3)) clock.advance(random.below(10 * EVERY_MS));
  }

  /** Looks at a queue that was opened. */
  async start(queue: Scheduled): Promise<void> {
    const { coverage, process: { clock } } = this.#world;
    const [status] = await queue.schedules();
    const next = status?.next?.getTime();
    this.#first ??= next;
    if (status?.last === undefined || next === undefined) return;
    if (clock.wall() - next > EVERY_MS && this.isExact) {
      coverage.hit("schedule: missed while no process ran, made up for");
    }
  }

  /** Takes note of messages that somebody has, or sees; gives the occurrences that nobody has seen before. */
  saw(messages: readonly Occurrence[]): Occurrence[] {
    return messages.filter(({ id, scheduledFor }) => {
      if (scheduledFor === undefined) return false;
      const at = scheduledFor.getTime();
      const other = this.#ids.get(at);
      this.#ids.set(at, id);
      if (other === undefined) return true;
      const what = `occurrence ${at} fired as message ${other} and ${id}`;
      if (other !== id) this.#world.trace.violation(what);
      return false;
    });
  }

  /** Compares at the end, once all that has fired was seen. */
  async end(queue: Scheduled): Promise<void> {
    const { trace } = this.#world;
    const [{ last, missed } = {}] = await queue.schedules();
    if (!this.isExact || this.#first === undefined) return;
    if (missed !== 0) trace.violation(`${missed} occurrences were passed over`);
    const end = last?.getTime() ?? -Infinity;
    for (let at = this.#first; at <= end; at += EVERY_MS) {
      if (!this.#ids.has(at)) trace.violation(`occurrence ${at} was lost`);
    }
  }
}
