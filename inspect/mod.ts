/** The parts that only `mini inspect` loads. */
export { Api } from "./api.ts";
export { serve } from "./server.ts";
