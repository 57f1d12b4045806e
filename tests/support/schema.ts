import type { StandardSchemaV1 } from "@standard-schema/spec";

/** A schema that takes nothing but strings, as any Standard Schema library makes it. */
export const onlyStrings: StandardSchemaV1<unknown, string> = {
  "~standard": {
    version: 1,
    vendor: "test",
    validate: (value) =>
      typeof value === "string"
        ? { value }
        : { issues: [{ message: "not a string" }] },
  },
};
