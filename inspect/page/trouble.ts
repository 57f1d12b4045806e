/** Problems, as every view shows them. */
import type { Overview, Problem, SegmentRow } from "../api_types.ts";
import type { App } from "./app.ts";
import { button, byId, type Child, el, faint, fill } from "./parts/dom.ts";
import { Trouble } from "./server.ts";
import { count, grouped } from "./parts/text.ts";

/** The most problems that are shown on every view. */
export const MAX_TROUBLE = 3;

/** Shows a failure, and what to do next. */
export function troubleBox(
  { code, message, next }: Problem,
  ...more: readonly Child[]
): HTMLElement {
  return el(
    "div",
    { class: "problem" },
    el("p", {}, el("strong", {}, `${code ?? "Trouble"} `), message, ...more),
    next !== undefined && faint(`next: ${next}`),
  );
}

/** The same of anything that was thrown. */
export function troubleOf(error: unknown): HTMLElement {
  return troubleBox(toldOf(error));
}

function toldOf(error: unknown): Problem {
  if (error instanceof Trouble) return error.told;
  return { message: error instanceof Error ? error.message : String(error) };
}

/** Says on every view that the server has not answered. */
export function showLost(error: unknown): void {
  const told = error instanceof Trouble
    ? error.told
    : { message: `mini inspect no longer answers: ${toldOf(error).message}` };
  showBoxes([troubleBox(told)]);
}

/** All problems, those of an object that is open first. */
export function problemsOf({ problems, live }: Overview): readonly Problem[] {
  const { failure, snapshotFailure } = live ?? {};
  return [failure, snapshotFailure, ...problems]
    .filter((problem) => problem !== undefined);
}

/** Shows the problems on every view. */
export function drawTrouble(app: App): void {
  const { end, segments } = app.info!;
  const problems = problemsOf(app.info!);
  const boxes = problems.slice(0, MAX_TROUBLE).map(({ next: _, ...told }) => {
    const { seq } = told;
    const show = () => {
      app.showTab("log");
      app.go(seq!);
    };
    return troubleBox(
      told,
      seq !== undefined && button({}, show, `Show record ${grouped(seq)}`),
    );
  });
  const next = problems.find((told) => told.next)?.next;
  if (problems.length > MAX_TROUBLE) {
    const others = count(problems.length - MAX_TROUBLE, "other");
    boxes.push(faint(`and ${others}: see Files`));
  }
  const torn = end === "torn" ? segments.at(-1) : undefined;
  if (torn !== undefined) boxes.push(tornBox(torn));
  boxes.push(...healthBox(app.info!));
  if (next !== undefined) boxes.push(faint(`next: ${next}`));
  showBoxes(boxes);
}

function tornBox(
  { name, tornBytes }: SegmentRow,
): HTMLElement {
  const text = `${
    count(tornBytes, "byte")
  } of an unfinished write at the end of ${name}; opening keeps them in a file of their own. No line behind them proves that what they began had been acknowledged.`;
  return el(
    "div",
    { class: "problem mild" },
    el("p", {}, el("strong", {}, "Torn "), text),
  );
}

/** One line with the reasons that are told nowhere else; nothing without any. */
function healthBox(info: Overview): HTMLElement[] {
  const { status, reasons } = info.health;
  const shown = problemsOf(info);
  const others = reasons.filter(({ code, message }) =>
    code !== "TORN" && !shown.some((told) => message.includes(told.message))
  );
  if (others.length === 0) return [];
  const text = others.map(({ code, message }) => `${code}: ${message}`);
  const isFailed = others.some(({ severity }) => severity === "failed");
  return [el(
    "div",
    { class: isFailed ? "problem" : "problem mild" },
    el("p", {}, el("strong", {}, `Health: ${status} `), text.join("; ")),
  )];
}

function showBoxes(boxes: readonly HTMLElement[]): void {
  const section = byId("trouble");
  section.hidden = boxes.length === 0;
  fill(section, ...boxes);
}
