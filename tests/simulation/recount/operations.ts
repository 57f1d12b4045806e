/** The kinds of events of a tracing channel. */
export const KINDS = [
  "start",
  "end",
  "asyncStart",
  "asyncEnd",
  "error",
] as const;

/** The kind of an event; a point is that of a channel which tells that something has happened. */
export type Kind = typeof KINDS[number] | "point";

/** The message of an operation that has ended. */
export interface Ended {
  /** The error of one that has failed; there is none in others. */
  readonly error?: unknown;
}

/** The orders in which the events of one operation may come. */
const COURSES = [
  "start end asyncStart asyncEnd",
  "start end error asyncStart asyncEnd",
  // It was synchronous.
  "start asyncStart asyncEnd end",
  "start error asyncStart asyncEnd end",
  // It was refused at once.
  "start error end",
];

/** Of operations that wait for nothing. */
const SYNCHRONOUS = ["start end", "start error end"];

/** The operations of tracing channels, each with its message: whether their events are whole, single and in order. */
export class Operations {
  readonly #courses = new Map<object, { name: string; course: string }>();

  /** Whether the operation of a message has begun and not ended. */
  isUnderWay(message: object): boolean {
    const { course } = this.#courses.get(message) ?? {};
    return course !== undefined && !isWhole(course, message);
  }

  /** The operations that have not ended. */
  get underWay(): string[] {
    return Array.from(this.#courses)
      .filter(([message, { course }]) => !isWhole(course, message))
      .map(([, { name, course }]) => `${name}: ${course}`);
  }

  /** Takes note of an event: what is wrong with it, and whether its operation has ended with it. */
  hear(
    name: string,
    kind: Kind,
    message: object,
  ): { readonly wrong?: string; readonly hasEnded?: boolean } {
    const before = this.#courses.get(message);
    const course = before === undefined ? kind : `${before.course} ${kind}`;
    this.#courses.set(message, { name, course });
    const isOne = before === undefined || before.name === name;
    const isPart = coursesOf(message)
      .some((whole) => whole === course || whole.startsWith(`${course} `));
    if (!isOne || !isPart) return { wrong: `${name}: ${course}` };
    if (course.includes("error") !== ("error" in message)) {
      return { wrong: `${name}: ${course}, and its message says otherwise` };
    }
    return { hasEnded: isWhole(course, message) };
  }
}

function coursesOf(message: { readonly by?: string }): readonly string[] {
  return message.by === "mutation" ? SYNCHRONOUS : COURSES;
}

function isWhole(course: string, message: object): boolean {
  return coursesOf(message).includes(course);
}
