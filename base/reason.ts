/** The most characters of a text, because it is logged, shown and sent. */
const MAX_CHARS = 1_000;

/** The most levels of causes in a text. */
export const MAX_CAUSES = 4;

/** The most errors of an `AggregateError` in a text. */
const MAX_ERRORS = 5;

/** Names that add nothing to a message. */
const NO_NAME = /^(Error$|MiniError )/;

/** Describes what was thrown, with its causes. Never empty, for any value. */
export function messageOf(thrown: unknown): string {
  return textOf(thrown, []).slice(0, MAX_CHARS);
}

/** The text of a thrown value, or of the cause of those `above` it. */
function textOf(thrown: unknown, above: readonly unknown[]): string {
  try {
    // Not by `instanceof`: it may come from another realm.
    const isError = typeof field(thrown, "message") === "string";
    const own = isError ? errorText(thrown) : valueText(thrown);
    const all = [...above, thrown];
    const causes = above.length === MAX_CAUSES
      ? []
      : causesOf(thrown).filter((cause) => !all.includes(cause));
    const below = causes.slice(0, MAX_ERRORS)
      .map((cause) => textOf(cause, all))
      // A message often quotes its cause.
      .filter((text) => own !== text && !own.includes(`: ${text}`));
    if (causes.length > MAX_ERRORS) {
      below.push(`and ${causes.length - MAX_ERRORS} more`);
    }
    return below.length === 0 ? own : `${own}: ${below.join("; ")}`;
  } catch {
    const name = nameOf(thrown);
    const which = name === undefined ? "" : ` (${name})`;
    return `what was thrown${which} cannot be described`;
  }
}

/** A field of a thrown value, if it can be read. */
export function field(thrown: unknown, name: string): unknown {
  try {
    return (thrown as Readonly<Record<string, unknown>> | undefined)?.[name];
  } catch {
    return undefined;
  }
}

/** A field that is a non-empty text; cut. */
export function fieldText(thrown: unknown, name: string): string | undefined {
  const text = field(thrown, name);
  if (typeof text !== "string" || text.trim() === "") return undefined;
  return text.slice(0, MAX_CHARS);
}

/** The name of an error, or else of its class. */
export function nameOf(thrown: unknown): string | undefined {
  const name = fieldText(thrown, "name");
  if (name !== undefined && name !== "Error") return name;
  return fieldText(field(thrown, "constructor"), "name") ?? name;
}

function errorText(error: unknown): string {
  const name = nameOf(error) ?? "Error";
  const message = fieldText(error, "message");
  if (message !== undefined) {
    return NO_NAME.test(name) ? message : `${name}: ${message}`;
  }
  const code = fieldText(error, "code");
  return code === undefined ? name : `${name} (${code})`;
}

function valueText(value: unknown): string {
  if (value === undefined || value === null || value === "") {
    return `${JSON.stringify(value)} was thrown`;
  }
  const text = Object(value) === value ? ownText(value) : String(value);
  if (text !== undefined) return text.slice(0, MAX_CHARS);
  const name = nameOf(value);
  const json = JSON.stringify(value).slice(0, MAX_CHARS);
  return name === undefined || name === "Object" || name === "Array"
    ? json
    : `${name} ${json}`;
}

/** The text of an object's own `toString`, if it has one. */
function ownText(value: unknown): string | undefined {
  const text = typeof field(value, "toString") === "function"
    ? String(value)
    : "";
  return text === "" || text.includes("[object ") ? undefined : text;
}

/** The causes of a thrown value: the errors that it groups, and its cause. */
export function causesOf(thrown: unknown): unknown[] {
  const errors = field(thrown, "errors");
  return [
    ...listed(errors),
    // Of a `SuppressedError`, and of an event.
    field(thrown, "error"),
    field(thrown, "suppressed"),
    field(thrown, "cause"),
  ].filter((cause) => cause !== undefined && cause !== null);
}

function listed(errors: unknown): unknown[] {
  try {
    return Array.isArray(errors) ? [...errors] : [];
  } catch {
    return [];
  }
}
