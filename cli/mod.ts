/**
 * The `mini` command: looks into journals, states and queues on disk, and mends
 * them.
 *
 * ```sh
 * deno run -R -W jsr:@mini/state/cli --help
 * ```
 *
 * ```ts
 * import { main } from "@mini/state/cli";
 *
 * await main(["--help"]);
 * ```
 *
 * @module
 */

import { main } from "./main.ts";

export { main };

// Not awaited: `require` takes no module that waits.
if (import.meta.main) void main();
