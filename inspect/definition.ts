import type { StateOptions } from "../state/mod.ts";

/** The options that rebuilding a state from disk takes. */
export type Program = Pick<
  StateOptions<unknown, unknown>,
  "initial" | "apply" | "codec" | "schema" | "upcast" | "migrate" | "version"
>;
