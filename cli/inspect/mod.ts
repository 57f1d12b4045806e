/** What `mini inspect` loads only when it is called. */
export { Api } from "./api.ts";
export { loadProgram } from "./module.ts";
export { serve } from "./server.ts";
