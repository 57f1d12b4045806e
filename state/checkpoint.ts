import { decodeJson, isInParts, type SnapCodec } from "../snap/codec.ts";
import { toJson } from "../store/json.ts";
import type { Reducer } from "./mutation.ts";

/** A state in memory, out of reach of what changes the live one. */
export interface Checkpoint<S> {
  /** The number that it stands at. */
  readonly seq: number;
  /** Makes a copy of its own. */
  restore(): Promise<S>;
}

/** A checkpoint of a state that does not change meanwhile; `undefined` where it cannot be copied by way of JSON. */
export async function checkpointOf<S, M>(
  { codec, reducer }: {
    readonly codec?: SnapCodec<S> | undefined;
    readonly reducer: Reducer<S, M>;
  },
  state: S,
  seq: number,
): Promise<Checkpoint<S> | undefined> {
  if (reducer.immutable) return { seq, restore: () => Promise.resolve(state) };
  try {
    const encoded = codec === undefined ? state : codec.encode(state);
    if (codec === undefined || !isInParts(encoded)) {
      const text = toJson(encoded, Infinity);
      return { seq, restore: () => decodeJson(codec, JSON.parse(text)) };
    }
    const texts: string[] = [];
    for await (const part of encoded) texts.push(toJson(part, Infinity));
    return { seq, restore: () => decodeJson(codec, parsed(texts)) };
  } catch {
    // Snapshots will say why.
    return undefined;
  }
}

async function* parsed(texts: readonly string[]): AsyncGenerator<unknown> {
  for (const text of texts) yield await JSON.parse(text);
}
