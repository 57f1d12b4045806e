/** Prints what a test has looked at, or why it was skipped: a green run is to say how much it means. */
export function say(line: string): void {
  // deno-lint-ignore no-console -- that is what it is for
  console.log(`  ${line}`);
}
