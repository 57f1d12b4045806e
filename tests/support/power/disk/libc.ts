/** The calls of the C library that Deno has not. Linux only. */
const SYMBOLS = {
  open: { parameters: ["buffer", "i32"], result: "i32" },
  close: { parameters: ["i32"], result: "i32" },
  ioctl: { parameters: ["i32", "usize", "buffer"], result: "i32" },
  read: { parameters: ["i32", "buffer", "usize"], result: "isize" },
  write: { parameters: ["i32", "buffer", "usize"], result: "isize" },
  mount: {
    parameters: ["buffer", "buffer", "buffer", "usize", "buffer"],
    result: "i32",
  },
  umount2: { parameters: ["buffer", "i32"], result: "i32" },
  __errno_location: { parameters: [], result: "pointer" },
} as const satisfies Deno.ForeignLibraryInterface;

const { symbols } = Deno.dlopen("libc.so.6", SYMBOLS);

/** The number of the last error. */
function errno(): number {
  return new Deno.UnsafePointerView(symbols.__errno_location()!).getInt32();
}

/** A call that has failed, and the number of its error. */
export class SystemError extends Error {
  readonly errno: number;

  constructor(what: string) {
    const number = errno();
    super(`${what}: error ${number}`);
    this.errno = number;
  }
}

const O_RDWR = 2;

/** Opens a file for reading and writing, and returns its descriptor. */
export function openFile(path: string): number {
  const fd = symbols.open(text(path), O_RDWR);
  if (fd < 0) throw new SystemError(`open ${path}`);
  return fd;
}

/** Closes a descriptor. */
export function closeFile(fd: number): void {
  symbols.close(fd);
}

/** Has a device do something; returns what it answers. */
export function control(
  fd: number,
  request: number,
  argument: Uint8Array<ArrayBuffer> = new Uint8Array(),
): number {
  const answered = symbols.ioctl(fd, BigInt(request), argument);
  if (answered < 0) throw new SystemError(`ioctl ${request.toString(16)}`);
  return answered;
}

/** Reads as many bytes as are there; waits for some. */
export function readFile(fd: number, into: Uint8Array<ArrayBuffer>): number {
  const count = Number(symbols.read(fd, into, BigInt(into.length)));
  if (count < 0) throw new SystemError("read");
  return count;
}

/** Writes bytes at once. */
export function writeFile(fd: number, bytes: Uint8Array<ArrayBuffer>): void {
  const count = Number(symbols.write(fd, bytes, BigInt(bytes.length)));
  if (count !== bytes.length) throw new SystemError("write");
}

/** Mounts a file system. */
export function mount(
  { type, source, target, options = "" }: {
    type: string;
    source: string;
    target: string;
    options?: string;
  },
): void {
  const [from, to, kind, data] = [source, target, type, options].map(text);
  if (symbols.mount(from!, to!, kind!, 0n, data!) !== 0) {
    throw new SystemError(`mount ${source} (${type}, ${options})`);
  }
}

const MNT_DETACH = 2;

/** Unmounts what is mounted at a path, now or once nobody uses it any more. */
export function unmount(path: string, when: "now" | "unused" = "now"): void {
  if (symbols.umount2(text(path), when === "now" ? 0 : MNT_DETACH) !== 0) {
    throw new SystemError(`umount ${path}`);
  }
}

function text(string: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(`${string}\0`);
}
