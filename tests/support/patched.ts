type Method =
  | "write"
  | "writeSync"
  | "sync"
  | "syncSync"
  | "truncate"
  | "tryLock";

/** Puts `stand-in` in place of a method of every open file until it is disposed. */
export function patch(
  method: Method,
  standIn: (
    original: (...args: unknown[]) => unknown,
    args: unknown[],
  ) => unknown,
): Disposable {
  const prototype = Deno.FsFile.prototype as unknown as Record<
    Method,
    (...args: unknown[]) => unknown
  >;
  const original = prototype[method];
  prototype[method] = function (this: unknown, ...args: unknown[]) {
    return standIn((...rest) => original.apply(this, rest), args);
  };
  return {
    [Symbol.dispose]() {
      prototype[method] = original;
    },
  };
}

/** Fails a number of calls, the first ones. */
export function failing(
  times: number,
  error: () => Error,
): (original: (...args: unknown[]) => unknown, args: unknown[]) => unknown {
  return (original, args) => {
    if (times-- > 0) throw error();
    return original(...args);
  };
}
