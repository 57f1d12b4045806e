// The protocol of FUSE, as far as one file needs it that is the root of its file system: linux/fuse.h.

/** The disk that the file stands for. */
export interface ServedDisk {
  readonly sizeBytes: number;
  read(offset: number, into: Uint8Array): void;
  write(offset: number, bytes: Uint8Array): void;
  flush(): void;
}

/** The most bytes of one write. */
const MAX_WRITE = 1024 * 1024;

/** A request is at most so long. */
export const MAX_REQUEST: number = MAX_WRITE + 4096;

/** The mode of the root: a regular file. */
export const ROOT_MODE = 0o100600;

const OPCODES: Readonly<Record<number, string>> = {
  2: "forget",
  3: "getattr",
  4: "setattr",
  14: "open",
  15: "read",
  16: "write",
  18: "release",
  20: "fsync",
  25: "flush",
  26: "init",
  36: "interrupt",
  42: "forget",
};

const ENOSYS = 38;
const IN_HEADER = 40;
const OUT_HEADER = 16;
const WRITE_HEADER = 40;
/** More pages a request than 32. */
const MAX_PAGES_FLAG = 1 << 22;
/** The file is not kept in memory, so that every write and read gets here at once. */
const DIRECT_IO = 1;
const ATTRIBUTES_VALID_S = 3600n;

/** Answers a request; `undefined` where none is expected. */
export function answer(
  request: Uint8Array<ArrayBuffer>,
  disk: ServedDisk,
): Uint8Array<ArrayBuffer> | undefined {
  const { buffer, byteOffset, byteLength } = request;
  const header = new DataView(buffer, byteOffset, byteLength);
  const unique = header.getBigUint64(8, true);
  const body = request.subarray(IN_HEADER);
  const name = OPCODES[header.getUint32(4, true)];
  if (name === "forget" || name === "interrupt") return undefined;
  const reply = name === undefined ? undefined : REPLIES[name]!(body, disk);
  const answered = new Uint8Array(OUT_HEADER + (reply?.length ?? 0));
  const view = new DataView(answered.buffer);
  view.setUint32(0, answered.length, true);
  view.setInt32(4, reply === undefined ? -ENOSYS : 0, true);
  view.setBigUint64(8, unique, true);
  if (reply !== undefined) answered.set(reply, OUT_HEADER);
  return answered;
}

const EMPTY = new Uint8Array();

const REPLIES: Readonly<
  Record<
    string,
    (body: Uint8Array<ArrayBuffer>, disk: ServedDisk) => Uint8Array
  >
> = {
  init: () =>
    pack(64, (view) => {
      view.setUint32(0, 7, true);
      view.setUint32(4, 31, true);
      view.setUint32(12, MAX_PAGES_FLAG, true);
      view.setUint32(20, MAX_WRITE, true);
      view.setUint32(24, 1, true);
      view.setUint16(28, MAX_WRITE / 4096, true);
    }),
  getattr: (_, { sizeBytes }) => attributes(sizeBytes),
  setattr: (_, { sizeBytes }) => attributes(sizeBytes),
  open: () => pack(16, (view) => view.setUint32(8, DIRECT_IO, true)),
  read(body, disk) {
    const { offset, size } = stretch(body);
    const bytes = new Uint8Array(
      Math.max(0, Math.min(size, disk.sizeBytes - offset)),
    );
    disk.read(offset, bytes);
    return bytes;
  },
  write(body, disk) {
    const { offset, size } = stretch(body);
    disk.write(offset, body.subarray(WRITE_HEADER, WRITE_HEADER + size));
    return pack(8, (view) => view.setUint32(0, size, true));
  },
  fsync(_, disk) {
    disk.flush();
    return EMPTY;
  },
  flush: () => EMPTY,
  release: () => EMPTY,
};

function pack(length: number, fill: (view: DataView) => void): Uint8Array {
  const bytes = new Uint8Array(length);
  fill(new DataView(bytes.buffer));
  return bytes;
}

/** The bytes that a read or a write is about. */
function stretch(body: Uint8Array): { offset: number; size: number } {
  const view = new DataView(body.buffer, body.byteOffset);
  return {
    offset: Number(view.getBigUint64(8, true)),
    size: view.getUint32(16, true),
  };
}

function attributes(sizeBytes: number): Uint8Array {
  return pack(104, (view) => {
    view.setBigUint64(0, ATTRIBUTES_VALID_S, true);
    view.setBigUint64(16, 1n, true); // the number of the file
    view.setBigUint64(24, BigInt(sizeBytes), true);
    view.setBigUint64(32, BigInt(sizeBytes / 512), true);
    view.setUint32(76, ROOT_MODE, true);
    view.setUint32(80, 1, true); // its names
    view.setUint32(96, 4096, true); // the size of a block
  });
}
