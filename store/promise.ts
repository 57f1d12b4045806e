/**
 * Whether the caller's code has answered with a promise, of whatever realm or
 * library, where it was to answer at once. Nobody waits for it then; what it
 * throws must not end the process.
 */
export function isPromise(value: unknown): value is PromiseLike<unknown> {
  const isOne = typeof value === "object" && value !== null &&
    "then" in value && typeof value.then === "function";
  if (isOne) Promise.resolve(value).catch(() => {});
  return isOne;
}
