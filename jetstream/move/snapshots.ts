import { collect } from "../../base/collect.ts";
import type { SnapCodec } from "../../snap/mod.ts";

/** The parts of a state, as its codec had them. */
class Parts {
  readonly values: readonly unknown[];

  constructor(values: readonly unknown[]) {
    this.values = values;
  }
}

/** Takes the JSON of a snapshot as it is, whatever codec has made it. */
export const asItIs: SnapCodec<unknown> = {
  encode: (state) => state instanceof Parts ? state.values.values() : state,
  decode: async (json) =>
    isIterable(json) ? new Parts(await collect(json)) : json,
};

function isIterable(json: unknown): json is AsyncIterable<unknown> {
  return typeof json === "object" && json !== null &&
    Symbol.asyncIterator in json;
}

/** The text of a state that was read so. */
export function textOf(state: unknown): string {
  return JSON.stringify(state);
}
