/** The parts in which an image is kept: those that hold nothing but NULs are left out. */
const PART_BYTES = 64 * 1024;

/** The digests of parts that were not written to since. */
const digests = new WeakMap<Uint8Array, string>();

/** The content of a disk, most of which is empty. */
export class Image {
  readonly sizeBytes: number;
  readonly #parts: Map<number, Uint8Array<ArrayBuffer>>;
  /** Parts that another image has as well. */
  readonly #shared: Set<number>;

  private constructor(
    sizeBytes: number,
    parts: Map<number, Uint8Array<ArrayBuffer>>,
    shared: Set<number>,
  ) {
    this.sizeBytes = sizeBytes;
    this.#parts = parts;
    this.#shared = shared;
  }

  /** An empty disk. */
  static empty(sizeBytes: number): Image {
    return new Image(sizeBytes, new Map(), new Set());
  }

  /** The same content, which changes by itself from now on. */
  copy(): Image {
    for (const at of this.#parts.keys()) this.#shared.add(at);
    return new Image(
      this.sizeBytes,
      new Map(this.#parts),
      new Set(this.#parts.keys()),
    );
  }

  /** Every part that may hold something, with the byte at which it begins. */
  *parts(): Iterable<[offset: number, bytes: Uint8Array<ArrayBuffer>]> {
    for (const [at, bytes] of this.#parts) yield [at * PART_BYTES, bytes];
  }

  read(offset: number, into: Uint8Array): void {
    for (const { at, from, start, count } of pieces(offset, into.length)) {
      const part = this.#parts.get(at);
      if (part === undefined) into.fill(0, start, start + count);
      else into.set(part.subarray(from, from + count), start);
    }
  }

  write(offset: number, bytes: Uint8Array): void {
    for (const { at, from, start, count } of pieces(offset, bytes.length)) {
      let part = this.#parts.get(at);
      const piece = bytes.subarray(start, start + count);
      if (part === undefined && piece.every((byte) => byte === 0)) continue;
      if (part === undefined || this.#shared.has(at)) {
        part = part?.slice() ?? new Uint8Array(PART_BYTES);
        this.#parts.set(at, part);
        this.#shared.delete(at);
      }
      part.set(piece, from);
      digests.delete(part);
    }
  }

  /** Equal for the same content, different for another. */
  async digest(): Promise<string> {
    const found: string[] = [];
    for (const [offset, bytes] of this.parts()) {
      let digest = digests.get(bytes);
      if (digest === undefined) {
        const hash = await crypto.subtle.digest("SHA-256", bytes);
        digest = new Uint8Array(hash).toHex();
        digests.set(bytes, digest);
      }
      found.push(`${offset} ${digest}`);
    }
    return found.sort().join();
  }

  /** Makes a file of it, in place of any that is there. */
  store(path: string): void {
    using file = Deno.createSync(path);
    file.truncateSync(this.sizeBytes);
    for (const [offset, bytes] of this.parts()) {
      file.seekSync(offset, Deno.SeekMode.Start);
      file.writeSync(bytes);
    }
  }
}

/** The pieces of a stretch of bytes, one for each part that it touches. */
function* pieces(offset: number, length: number) {
  for (let start = 0; start < length;) {
    const from = (offset + start) % PART_BYTES;
    const count = Math.min(PART_BYTES - from, length - start);
    yield { at: Math.floor((offset + start) / PART_BYTES), from, start, count };
    start += count;
  }
}
