import { Image } from "./image.ts";

/**
 * A write or a flush that a disk was given. In the file, a write is the byte at
 * which it begins, the number of bytes, and the bytes; a flush is -1 and 0.
 */
export type DiskEvent =
  | {
    readonly kind: "write";
    readonly offset: number;
    readonly bytes: Uint8Array;
  }
  | { readonly kind: "flush" };

/** An event, and where in the file it ends: all that ends at most there had happened when the file was so long. */
export type LoggedEvent = DiskEvent & { readonly end: number };

const HEADER_BYTES = 16;
const FLUSH = -1;

/** Encodes an event. */
export function encodeEvent(event: DiskEvent): Uint8Array<ArrayBuffer> {
  const bytes = event.kind === "write" ? event.bytes : new Uint8Array();
  const encoded = new Uint8Array(HEADER_BYTES + bytes.length);
  const view = new DataView(encoded.buffer);
  view.setFloat64(0, event.kind === "write" ? event.offset : FLUSH, true);
  view.setUint32(8, bytes.length, true);
  encoded.set(bytes, HEADER_BYTES);
  return encoded;
}

/** Decodes the events of a file from a byte on. */
export function* decodeEvents(
  file: Uint8Array<ArrayBuffer>,
  from = 0,
): Iterable<LoggedEvent> {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  for (let at = from; at < file.length;) {
    const offset = view.getFloat64(at, true);
    const start = at + HEADER_BYTES;
    const end = start + view.getUint32(at + 8, true);
    yield offset === FLUSH
      ? { kind: "flush", end }
      : { kind: "write", offset, bytes: file.subarray(start, end), end };
    at = end;
  }
}

/** Encodes an image, as writes. */
export function* encodeImage(image: Image): Iterable<Uint8Array<ArrayBuffer>> {
  for (const [offset, bytes] of image.parts()) {
    yield encodeEvent({ kind: "write", offset, bytes });
  }
  yield encodeEvent({ kind: "flush" });
}

/** Makes an image hold what was written. */
export function applyEvents(image: Image, events: Iterable<DiskEvent>): void {
  for (const event of events) {
    if (event.kind === "write") image.write(event.offset, event.bytes);
  }
}

/** The content of a disk after all that a log notes. */
export function imageOf(
  log: Uint8Array<ArrayBuffer>,
  sizeBytes: number,
): Image {
  const image = Image.empty(sizeBytes);
  applyEvents(image, decodeEvents(log));
  return image;
}
