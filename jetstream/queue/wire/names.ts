/** The names that a queue has on the servers. */
export interface Names {
  /** The queue, in messages. */
  readonly queue: string;
  /** The stream of the messages. */
  readonly stream: string;
  /** The stream of the dead letters. */
  readonly deadStream: string;
  /** The consumer that all workers share. */
  readonly consumer: string;
  /** The subject of messages that can be received. */
  readonly jobs: string;
  /** The subject of a message that has to wait for a time. */
  later(token: string): string;
  /** The subject of a dead letter. */
  dead(id: number | "*"): string;
  /** The id of the dead letter with a subject. */
  deadId(subject: string): number;
}

const NAME = /^[A-Za-z0-9_-]{1,64}$/;

/** The names of a queue. Throws a `TypeError` if they cannot be names on the servers. */
export function namesOf(name: string, prefix: string): Names {
  for (const [what, text] of [["name", name], ["prefix", prefix]] as const) {
    if (typeof text === "string" && NAME.test(text)) continue;
    throw new TypeError(
      `${what} must be 1 to 64 letters, digits, _ or -, not ${
        JSON.stringify(text)
      }`,
    );
  }
  const stream = `${prefix.toUpperCase()}_${name}`;
  const subject = `${prefix}.${name}`;
  return {
    queue: name,
    stream: `${stream}_JOBS`,
    deadStream: `${stream}_DEAD`,
    consumer: "workers",
    jobs: `${subject}.jobs`,
    later: (token) => `${subject}.later.${token}`,
    dead: (id) => `${subject}.dead.${id}`,
    deadId: (dead) => Number(dead.slice(dead.lastIndexOf(".") + 1)),
  };
}
