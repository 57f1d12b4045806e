/** Throws a `TypeError` or a `RangeError` that says what an option must be, if its value is wrong. */
export type Check = (name: string, value: unknown) => void;

/** The check of each option that is given. */
export type Checks<O> = { readonly [K in keyof Required<O>]: Check };

/**
 * Throws for options that are not an object, unknown, or wrong. Without this
 * check, a misspelt option would be ignored silently.
 *
 * @param call The call for the message, such as `MiniStore.open()`.
 * @param required Those that must be given.
 */
export function assertOptions<O extends object>(
  call: string,
  options: O,
  checks: Checks<O>,
  required: readonly (keyof O & string)[] = [],
): void {
  assertKnown(call, options, checks);
  for (const [name, check] of Object.entries<Check>(checks)) {
    const value = (options as Record<string, unknown>)[name];
    if (value !== undefined || required.includes(name as keyof O & string)) {
      check(name, value);
    }
  }
}

/** Throws for options that are not an object, or unknown. Cheap, for what is called often. */
export function assertKnown<O extends object>(
  call: string,
  options: O,
  checks: Checks<O>,
): void {
  if (typeof options !== "object" || options === null) {
    throw new TypeError(
      `The options of ${call} must be an object, not ${nameOf(options)}`,
    );
  }
  for (const name in options) {
    if (options[name] === undefined || Object.hasOwn(checks, name)) continue;
    throw new TypeError(
      `${call} has no option "${name}"; its options are ${
        Object.keys(checks).join(", ")
      }`,
    );
  }
}

function nameOf(value: unknown): string {
  return value === null ? "null" : typeof value;
}

/** Checks for a function. */
export function aFunction(name: string, value: unknown): void {
  if (typeof value === "function") return;
  throw new TypeError(`${name} must be a function, not ${nameOf(value)}`);
}

/** Checks for a boolean. */
export function aBoolean(name: string, value: unknown): void {
  if (typeof value === "boolean") return;
  throw new TypeError(`${name} must be true or false, not ${nameOf(value)}`);
}

/** Checks for a date. */
export function aDate(name: string, value: unknown): void {
  if (value instanceof Date && !Number.isNaN(value.getTime())) return;
  throw new TypeError(`${name} must be a valid Date, not ${String(value)}`);
}

/** Checks for one of the words. */
export function oneOf(...words: readonly string[]): Check {
  return (name, value) => {
    if (words.includes(value as string)) return;
    const all = words.map((word) => `"${word}"`).join(" or ");
    throw new TypeError(`${name} must be ${all}, not ${String(value)}`);
  };
}

/** Checks for a non-empty string. */
export function aName(name: string, value: unknown): void {
  if (typeof value === "string" && value !== "") return;
  throw new TypeError(`${name} must be a non-empty string`);
}

/** Checks for an object with the methods. */
export function having(...methods: readonly string[]): Check {
  return (name, value) => {
    const missing = methods.find((method) => !isMethod(value, method));
    if (missing === undefined) return;
    throw new TypeError(`${name} must be an object with a method ${missing}()`);
  };
}

/** Checks for a Standard Schema. */
export function aSchema(name: string, value: unknown): void {
  const standard = (value as Record<string, unknown> | null)?.["~standard"];
  if (isMethod(standard, "validate")) return;
  throw new TypeError(
    `${name} must be a Standard Schema, which has a method ["~standard"].validate()`,
  );
}

function isMethod(value: unknown, name: string): boolean {
  return typeof (value as Record<string, unknown> | null | undefined)
    ?.[name] === "function";
}

/** Checks for a file system. */
export const aFileSystem: Check = having("open", "list", "rename", "lock");

/** Checks for an `AbortSignal`. */
export const aSignal: Check = having("throwIfAborted", "addEventListener");

/** Checks for the mode of a file. */
export function aMode(name: string, value: unknown): void {
  const mode = value as number;
  if (Number.isInteger(mode) && mode >= 0 && mode <= 0o777) return;
  throw new RangeError(
    `${name} must be a whole number from 0 to 0o777, not ${value}`,
  );
}

/** Checks for a whole number of at least `min`. */
export function countFrom(min: number): Check {
  return (name, value) => checkCount(name, value as number, min);
}

/** Throws a `RangeError` unless the value is a whole number of at least `min`. */
export function checkCount(name: string, value: number, min = 1): void {
  if (Number.isSafeInteger(value) && value >= min) return;
  throw new RangeError(
    `${name} must be a whole number of at least ${min}, not ${String(value)}`,
  );
}

/** The modes of new files and directories. */
export function modesOf(
  { mode = 0o600, directoryMode = enterable(mode) }: {
    readonly mode?: number;
    readonly directoryMode?: number;
  },
): { mode: number; directoryMode: number } {
  return { mode, directoryMode };
}

/** The mode of a directory: who may read its files may enter it. */
function enterable(mode: number): number {
  return mode | (mode & 0o444) >> 2;
}
