import { MiniError } from "./errors.ts";
import { isPromise } from "./promise.ts";

/**
 * A validator of records: what Standard Schema (https://standardschema.dev)
 * asks of one, so that a schema of zod, valibot, arktype and others can be
 * handed over as it is.
 *
 * @typeParam T What the schema gives back for a value it accepts.
 */
export interface RecordSchema<T> {
  /** Where Standard Schema keeps its methods. */
  readonly "~standard": {
    /** Accepts a value, perhaps changing it, or says what is wrong with it. */
    readonly validate: (
      value: unknown,
    ) => SchemaResult<T> | Promise<SchemaResult<T>>;
  };
}

/** What a schema says of a value. */
export type SchemaResult<T> =
  | { readonly value: T; readonly issues?: undefined }
  | { readonly issues: readonly SchemaIssue[] };

/** One thing that a schema objects to. */
export interface SchemaIssue {
  /** What is wrong. */
  readonly message: string;
  /** Where in the value. */
  readonly path?:
    | readonly (PropertyKey | { readonly key: PropertyKey })[]
    | undefined;
}

/**
 * The value as the schema gives it back.
 *
 * Throws `INVALID` with the schema's issues, and a `TypeError` for a schema
 * that answers with a promise: waiting for it would let appends overtake each
 * other.
 */
export function validate<T>(
  schema: RecordSchema<T> | undefined,
  value: unknown,
  doing: string,
  seq?: number,
): T {
  if (schema === undefined) return value as T;
  const result = schema["~standard"].validate(value);
  if (isPromise(result)) {
    throw new TypeError(`Cannot ${doing}: the schema answers asynchronously`);
  }
  if (result.issues === undefined) return result.value;
  const [issue] = result.issues;
  throw new MiniError(
    "INVALID",
    `Cannot ${doing}: the schema refuses it${issueText(issue)}`,
    { issues: result.issues, ...(seq !== undefined && { seq }) },
  );
}

/** As {@linkcode validate}, for a record that was read: nothing is made for a message that nobody will see. */
export function validateRead<T>(
  schema: RecordSchema<T> | undefined,
  value: unknown,
  seq: number,
): T {
  return schema === undefined
    ? value as T
    : validate(schema, value, `read record ${seq}`, seq);
}

function issueText(issue: SchemaIssue | undefined): string {
  if (issue === undefined) return "";
  const path = (issue.path ?? [])
    .map((part) => String(typeof part === "object" ? part.key : part))
    .join(".");
  return path === "" ? ` (${issue.message})` : ` (${path}: ${issue.message})`;
}
