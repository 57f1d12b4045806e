/** How much a test does, or how thoroughly: little on every change, much in the nightly run. */
export function size<T>(perChange: T, nightly: T): T {
  return Deno.env.get("NIGHTLY") === undefined ? perChange : nightly;
}
