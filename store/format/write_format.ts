import { encodeClose, type Encoded, encodeLines, type Unit } from "./line.ts";

/** What a writer needs to know of the format of the journal it has open. */
export interface WriteFormat {
  /** Encodes units into bytes to append. */
  encode(
    units: readonly Unit[],
    firstSeq: number,
    durable: number,
    chain: number,
  ): Encoded;
  /** Encodes the mark of a clean end; `undefined` where the format has none. */
  encodeClose?(seq: number, chain: number): Encoded;
  /** Whether a batch can be one atomic unit, and the log be split into segments that carry their base. */
  readonly isNative: boolean;
}

/** This package's own format. */
export const nativeFormat: WriteFormat = {
  encode: encodeLines,
  encodeClose,
  isNative: true,
};
