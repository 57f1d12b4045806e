import { grouped, table } from "../../base/text.ts";
import type { ConsumerReport } from "../read/consumers.ts";
import type { Paint } from "./paint.ts";

/** How far each consumer is, in words. */
export function consumerLines(
  consumers: readonly ConsumerReport[],
  paint: Paint,
): string[] {
  const rows = table(consumers.map(({ name, position, lag, problem }) => [
    name,
    problem === undefined ? `at record ${position}` : "position unknown",
    problem !== undefined
      ? ""
      : lag === 0
      ? "up to date"
      : `${grouped(lag)} ${lag === 1 ? "record" : "records"} to come`,
  ]));
  return rows.flatMap((row, at) => {
    const { problem } = consumers[at]!;
    return problem === undefined ? [row] : [row, paint("bad", problem)];
  });
}
