import type { FileHandle, FileSystem } from "@mini/state/store";

/** A disk that takes a number of further writes. */
export class FillingDisk {
  writesLeft: number = Infinity;
  readonly fs: FileSystem;

  constructor(fs: FileSystem) {
    const limited = (file: FileHandle): FileHandle =>
      proxyOf(file, {
        write: (bytes) => {
          if (--this.writesLeft >= 0) return file.write(bytes);
          return Promise.reject(
            Object.assign(new Error("no space"), { code: "ENOSPC" }),
          );
        },
      });
    this.fs = proxyOf(fs, {
      open: async (path, access) => limited(await fs.open(path, access)),
      create: async (path, mode) => limited(await fs.create(path, mode)),
    });
  }
}

/** An object with some methods in place of its own. */
function proxyOf<T extends object>(target: T, methods: Partial<T>): T {
  return new Proxy(target, {
    get(_, key) {
      const own = (methods as Record<PropertyKey, unknown>)[key];
      const value = own ?? Reflect.get(target, key);
      return typeof value === "function" && own === undefined
        ? value.bind(target)
        : value;
    },
  });
}
