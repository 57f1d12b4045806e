import { channel, tracingChannel } from "node:diagnostics_channel";

/** Every tracing channel of the package, without `mini-state:`. */
export const ALL_TRACED: readonly string[] = [
  "open",
  "append",
  "commit",
  "rotate",
  "compact",
  "apply",
  "snapshot",
  "enqueue",
  "receive",
  "process",
  "settle",
];

/** Every other channel. */
export const ALL_POINTS: readonly string[] = [
  "poisoned",
  "no-space",
  "torn",
  "slow",
  "aborted",
  "dead-letter",
  "lease-expired",
  "deposed",
];

const KINDS = ["start", "end", "asyncStart", "asyncEnd", "error"] as const;

/** An event of a channel: its name, and of a tracing channel the kind, as `commit asyncEnd`. */
interface Told {
  readonly name: string;
  /** A copy of the message as it was then. */
  readonly message: Readonly<Record<string, unknown>>;
}

/** Listens to channels of the package until it is disposed of. */
export class Listener implements Disposable {
  readonly events: Told[] = [];
  readonly #stops: (() => void)[] = [];

  /** @param traced Tracing channels and @param points channels, without `mini-state:`. */
  constructor(traced: readonly string[], points: readonly string[] = []) {
    for (const name of traced) {
      const all = tracingChannel(`mini-state:${name}`);
      for (const kind of KINDS) this.#listen(all[kind], `${name} ${kind}`);
    }
    for (const name of points) {
      this.#listen(channel(`mini-state:${name}`), name);
    }
  }

  #listen(heard: ReturnType<typeof channel>, name: string): void {
    const handler = (message: unknown) => {
      this.events.push({ name, message: { ...message as object } });
    };
    heard.subscribe(handler);
    this.#stops.push(() => heard.unsubscribe(handler));
  }

  /** The messages of the events with a name, in their order. */
  of(name: string): Readonly<Record<string, unknown>>[] {
    return this.events.filter((event) => event.name === name)
      .map(({ message }) => message);
  }

  [Symbol.dispose](): void {
    for (const stop of this.#stops) stop();
  }
}
