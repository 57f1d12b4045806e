import { MiniError } from "../../base/errors.ts";
import { type LedgerEntry, POSTED_NAME } from "./entry.ts";
import type { Ledger } from "./ledger.ts";

/** The first part of a ledger in a snapshot: everything but its collections. */
export type LedgerHead = Omit<
  Ledger,
  "messages" | "dead" | "dedupe" | "inbox" | "finished" | "schedules"
>;

/** The highest version of entries and ledgers that this code knows. */
export const LEDGER_VERSION = 2;

/** A flaw of a value: its place, and whether newer code may know the value. */
interface Flaw {
  readonly path: string;
  readonly isUnknown: boolean;
}

const MALFORMED: Flaw = { path: "", isUnknown: false };
const UNKNOWN: Flaw = { path: "", isUnknown: true };

/** Finds a flaw of a value in an entry of a version. */
type Check = (value: unknown, version: number) => Flaw | undefined;

/** A field of an object. */
interface Field {
  readonly check: Check;
  readonly isOptional: boolean;
  /** The first version of entries with the field. */
  readonly since: number;
}

function must(test: Check): Field {
  return { check: test, isOptional: false, since: 1 };
}

function may(check: Check, since = 1): Field {
  return { check, isOptional: true, since };
}

function is(test: (value: unknown) => boolean): Check {
  return (value) => test(value) ? undefined : MALFORMED;
}

/** Whether a value is the number of a message; the next number is one too, or the first that is none. */
export function isId(value: unknown): boolean {
  return Number.isSafeInteger(value) && Number(value) > 0 &&
    value !== Number.MAX_SAFE_INTEGER;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** An object with these fields and no others. */
function object(fields: Readonly<Record<string, Field>>): Check {
  const known = new Map(Object.entries(fields));
  const needed = [...known.keys()].filter((name) => !fields[name]!.isOptional);
  return (value, version) => {
    if (!isObject(value)) return MALFORMED;
    for (const name of needed) {
      if (!Object.hasOwn(value, name)) return within(`.${name}`, MALFORMED);
    }
    for (const name in value) {
      const field = known.get(name);
      // The error does not name the field: it may be anything.
      if (field === undefined || field.since > version) return UNKNOWN;
      const flaw = field.check(value[name], version);
      if (flaw !== undefined) return within(`.${name}`, flaw);
    }
    return undefined;
  };
}

function list(check: Check): Check {
  return (value, version) => {
    if (!Array.isArray(value)) return MALFORMED;
    for (let index = 0; index < value.length; index++) {
      const flaw = check(value[index], version);
      if (flaw !== undefined) return within(`[${index}]`, flaw);
    }
    return undefined;
  };
}

function within(place: string, { path, isUnknown }: Flaw): Flaw {
  return { path: `${place}${path}`, isUnknown };
}

const NUMBER = is(Number.isFinite);
const COUNT = is((value) => Number.isSafeInteger(value) && Number(value) >= 0);
const ID = is(isId);
const TEXT = is((value) => typeof value === "string");
const FLAG = is((value) => typeof value === "boolean");
const IDS = list(COUNT);
const POSTED = is((value) =>
  typeof value === "string" && POSTED_NAME.test(value)
);
const ANYTHING = is((value) => value !== undefined);

const DEDUPE = object({ key: must(TEXT), until: must(NUMBER) });

const HEADERS: Check = (value) =>
  isObject(value) &&
    Object.values(value).every((each) => typeof each === "string")
    ? undefined
    : MALFORMED;

const NEW_MESSAGE = object({
  id: must(ID),
  payload: must(ANYTHING),
  priority: may(NUMBER),
  group: may(TEXT),
  due: may(NUMBER),
  dedupe: may(DEDUPE),
  when: may(NUMBER, 2),
  headers: may(HEADERS, 2),
  from: may(POSTED, 2),
});

const ERROR: Check = object({
  name: must(TEXT),
  message: must(TEXT),
  stack: may(TEXT),
  cause: may((value, version) => ERROR(value, version)),
});

const OUTCOMES: readonly unknown[] = ["acked", "retried", "dead"];

const SETTLEMENT = object({
  id: must(COUNT),
  receipt: must(COUNT),
  as: must(is((value) => OUTCOMES.includes(value))),
  due: may(NUMBER),
  refund: may(FLAG),
  reason: may(TEXT),
  result: may(ANYTHING, 2),
  error: may(ERROR, 2),
});

const POLICY = object({
  finished: may(
    object({ count: may(COUNT), bytes: may(COUNT), ageMs: may(NUMBER) }),
  ),
  dead: may(object({ count: may(COUNT), ageMs: may(NUMBER) })),
});

const LATER_REDRIVE = object({ id: must(COUNT), due: must(NUMBER) });

/** An id, or from version 2 on an id and a time. */
const REDRIVE: Check = (value, version) =>
  version < 2 || typeof value === "number"
    ? COUNT(value, version)
    : LATER_REDRIVE(value, version);

const CLOCKS: readonly unknown[] = ["wall", "queue"];

const BEGUN = object({
  name: must(TEXT),
  clock: must(is((value) => CLOCKS.includes(value))),
  since: must(NUMBER),
});

const GONE = object({
  name: must(TEXT),
  gone: must(is((value) => value === true)),
});

const SCHEDULE: Check = (value, version) =>
  (isObject(value) && "gone" in value ? GONE : BEGUN)(value, version);

const FIRED = object({
  name: must(TEXT),
  for: must(NUMBER),
  skipped: may(COUNT),
  message: may(NEW_MESSAGE),
});

/** The kinds of entries. */
const KINDS: Readonly<Record<string, Field>> = {
  enqueue: may(list(NEW_MESSAGE)),
  receive: may(IDS),
  settle: may(list(SETTLEMENT)),
  expire: may(list(SETTLEMENT)),
  redrive: may(list(REDRIVE)),
  purge: may((value, version) =>
    value === "all" ? undefined : IDS(value, version)
  ),
  paused: may(FLAG),
  policy: may(POLICY, 2),
  cancel: may(list(object({ id: must(COUNT), reason: may(TEXT) })), 2),
  update: may(
    list(object({
      id: must(COUNT),
      payload: may(ANYTHING),
      due: may(NUMBER),
      priority: may(NUMBER),
    })),
    2,
  ),
  progress: may(
    list(object({
      id: must(COUNT),
      receipt: must(COUNT),
      progress: must(ANYTHING),
    })),
    2,
  ),
  schedule: may(list(SCHEDULE), 2),
  fire: may(list(FIRED), 2),
  gone: may(list(POSTED), 2),
  tick: may(is((value) => value === true)),
};

const ENTRY = object({
  at: must(NUMBER),
  v: may(COUNT),
  drift: may(NUMBER),
  ...KINDS,
});

/** The first part of a ledger in a snapshot. */
const HEAD = object({
  at: must(NUMBER),
  v: may(COUNT),
  drift: must(NUMBER),
  nextId: must(COUNT),
  nextOrder: must(NUMBER),
  paused: must(FLAG),
  policy: may(POLICY, 2),
});

/** The kind of an entry, if it has exactly one of those that this code knows. */
export function kindIn(entry: object): string | undefined {
  const [kind, ...others] = Object.keys(entry)
    .filter((name) => Object.hasOwn(KINDS, name));
  return others.length === 0 ? kind : undefined;
}

function flawOf(entry: unknown): Flaw | undefined {
  if (!isObject(entry)) return MALFORMED;
  const { v = 1 } = entry;
  // Newer code may have another layout for the whole entry.
  if (isNewer(v)) return UNKNOWN;
  return ENTRY(entry, Number(v)) ??
    (kindIn(entry) === undefined ? UNKNOWN : undefined);
}

/** Whether a version is newer than this code. */
function isNewer(version: unknown): boolean {
  return Number.isSafeInteger(version) && Number(version) > LEDGER_VERSION;
}

/**
 * Throws if a value is not an entry, or not one that this code knows.
 *
 * @param isLogged Whether the value comes from a queue's own log: then no caller is to blame.
 */
export function checkEntry(
  entry: unknown,
  isLogged: boolean,
): asserts entry is LedgerEntry {
  const flaw = flawOf(entry);
  if (flaw === undefined) return;
  const place = `entry${flaw.path}`;
  if (flaw.isUnknown) {
    throw new MiniError(
      "UNSUPPORTED_FORMAT",
      `Cannot apply the entry to the queue's ledger: ${place} has a kind or a version that this code does not know; nothing was changed. Use the version of this package that wrote it, or a newer one`,
    );
  }
  const message =
    `Cannot apply the entry to the queue's ledger: ${place} is missing or invalid; nothing was changed`;
  throw isLogged ? new MiniError("CORRUPT", message) : new TypeError(message);
}

/** Throws if the version of a ledger is newer than this code. */
export function checkVersion(version: number | undefined): void {
  if (!isNewer(version)) return;
  throw new MiniError(
    "UNSUPPORTED_FORMAT",
    `Cannot use the queue's ledger: it has version ${version}, and this code knows versions up to ${LEDGER_VERSION}; nothing was changed. Use the version of this package that wrote it, or a newer one`,
  );
}

/** The first part of a ledger in a snapshot, checked. */
export function headIn(
  part: unknown,
): LedgerHead {
  const { v } = Object(part);
  checkVersion(v);
  if (HEAD(part, LEDGER_VERSION) !== undefined) throw unknownPart();
  return part as Ledger;
}

/** The error for a part of a snapshot that this code does not know. */
export function unknownPart(): MiniError {
  return new MiniError(
    "UNSUPPORTED_FORMAT",
    "Cannot read the queue's ledger: its snapshot has a part that this code does not know; nothing was changed. Use the version of this package that wrote it, or a newer one",
  );
}
