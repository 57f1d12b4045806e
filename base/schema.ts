import { MiniError, type SchemaIssue } from "./errors.ts";
import { isSameJson } from "./json.ts";
import { isPromise } from "./promise.ts";

export type { SchemaIssue };

/**
 * A validator of records: what Standard Schema (https://standardschema.dev)
 * asks of one, so that a schema of zod, valibot, arktype and others can be
 * handed over as it is.
 *
 * @typeParam T What the schema gives back for a value it accepts.
 */
export interface Schema<T> {
  /** Where Standard Schema keeps its methods. */
  readonly "~standard": {
    /** Accepts a value, perhaps changing it, or says what is wrong with it. */
    readonly validate: (
      value: unknown,
    ) => SchemaResult<T> | Promise<SchemaResult<T>>;
  };
}

/** The answer of a schema. */
export type SchemaResult<T> =
  | { readonly value: T; readonly issues?: undefined }
  | { readonly issues: readonly SchemaIssue[] };

/**
 * The value as the schema gives it back.
 *
 * Throws `INVALID` with the schema's issues, and a `TypeError` for a schema
 * that answers with a promise: waiting for it would let appends overtake each
 * other.
 */
export function validate<T>(
  schema: Schema<T> | undefined,
  value: unknown,
  doing: string,
  seq?: number,
): T {
  if (schema === undefined) return value as T;
  const result = ask(schema, value, doing);
  if (result.issues === undefined) return result.value;
  throw new MiniError(
    "INVALID",
    `Cannot ${doing}: the schema rejects it${issueText(result.issues)}`,
    { issues: result.issues, ...(seq !== undefined && { seq }) },
  );
}

/**
 * As {@linkcode validate}, for a value that is about to be written. The schema
 * must accept its own output unchanged, because reading validates it again.
 */
export function validateNew<T>(
  schema: Schema<T> | undefined,
  value: unknown,
  doing: string,
  seq?: number,
): T {
  const valid = validate(schema, value, doing, seq);
  if (schema === undefined || Object.is(valid, value)) return valid;
  const again = ask(schema, valid, doing);
  if (again.issues === undefined && isSameJson(again.value, valid)) {
    return valid;
  }
  const { issues } = again;
  const flaw = issues === undefined
    ? "changes its own output"
    : `rejects its own output${issueText(issues)}`;
  throw new MiniError(
    "INVALID",
    `Cannot ${doing}: the schema ${flaw}, so it could not be read back; nothing was written`,
    { ...(issues && { issues }), ...(seq !== undefined && { seq }) },
  );
}

/** Asks a schema about a value. */
function ask<T>(
  schema: Schema<T>,
  value: unknown,
  doing: string,
): SchemaResult<T> {
  const result = schema["~standard"].validate(value);
  if (isPromise(result)) {
    throw new TypeError(
      `Cannot ${doing}: the schema must not return a promise`,
    );
  }
  const isAnswer = typeof result === "object" && result !== null &&
    (result.issues === undefined
      ? "value" in result
      : Array.isArray(result.issues));
  if (isAnswer) return result;
  throw new TypeError(
    `Cannot ${doing}: the schema must return { value } or { issues }`,
  );
}

/** As {@linkcode validate}, for a record that was read: without a schema, no text is made for a message. */
export function validateRead<T>(
  schema: Schema<T> | undefined,
  value: unknown,
  seq: number,
): T {
  return schema === undefined
    ? value as T
    : validate(schema, value, `read record ${seq}`, seq);
}

function issueText([issue]: readonly SchemaIssue[]): string {
  if (typeof issue?.message !== "string") return "";
  const path = (issue.path ?? [])
    .map((part) => String(typeof part === "object" ? part?.key : part))
    .join(".");
  return path === "" ? ` (${issue.message})` : ` (${path}: ${issue.message})`;
}
