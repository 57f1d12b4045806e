import type { DeepReadonly, StateOptions } from "@mini/state/state";

/** How many there are of what. */
export type Items = Record<string, number>;

/** A change of a stock. */
export interface Event {
  readonly item: string;
  readonly type: "set" | "take" | "remove";
  readonly count: number;
}

/** An answer that is an error. */
export class Refusal extends Error {
  /** The HTTP status. */
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

/** How a stock is kept. */
export const STOCK: StateOptions<Items, Event> = {
  initial: () => ({}),
  apply: (items, { type, item, count }) => {
    if (type === "set") items[item] = count;
    else if (type === "take") items[item]! -= count;
    else delete items[item];
  },
  // As a schema of zod, valibot or arktype would be given.
  schema: {
    "~standard": {
      validate: (value) => {
        const { item, count } = value as Event;
        const isValid = /^[a-z][a-z0-9-]{0,63}$/.test(item) &&
          Number.isSafeInteger(count) && count >= 0;
        if (isValid) return { value: value as Event };
        const message = "names are a to z, 0 to 9 and -, counts whole numbers";
        return { issues: [{ message }] };
      },
    },
  },
  // A client that was away for longer begins with the items, not the events.
  snapshotEvery: 1_000,
  retain: { records: 0 },
};

/** The event, if it can happen now. What cannot is refused before it is logged. */
export function possible(items: DeepReadonly<Items>, event: Event): Event {
  const { type, item, count } = event;
  if (type === "set") return event;
  if (!Object.hasOwn(items, item)) throw new Refusal(404, `no ${item}`);
  if (!(count > items[item]!)) return event;
  throw new Refusal(409, `there are ${items[item]} of ${item}`);
}
