/** The version of this package, as `deno.json` has it: what is published cannot read that everywhere. */
export const VERSION = "0.1.0";
