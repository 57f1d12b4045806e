import type { ExploreReport } from "@mini/state/testing";

/** Prints what a test has looked at, or why it was skipped: a green run is to say how much it means. */
export function say(line: string): void {
  // deno-lint-ignore no-console -- that is what it is for
  console.log(`  ${line}`);
}

/** Prints the counts of explorations. */
export function report(kind: string, reports: readonly ExploreReport[]): void {
  const sum = (count: (report: ExploreReport) => number) =>
    reports.reduce((total, report) => total + count(report), 0)
      .toLocaleString("en");
  const workloads = reports.length === 1 ? "" : `${reports.length} workloads, `;
  say(
    `${kind}: ${workloads}` +
      `${sum((report) => report.moments)} moments, ` +
      `${sum((report) => report.states)} states, ` +
      `${sum((report) => report.recoveries)} recoveries, ` +
      `${sum((report) => report.violations.length)} violations`,
  );
}
