/** Lines over time. */
import { el } from "./dom.ts";
import { duration } from "./text.ts";

/** A line, and what it is called. */
export interface Line {
  readonly name: string;
  /** Its colour, as a class. */
  readonly kind: string;
  readonly values: readonly number[];
  /** Its newest value, as people read it. */
  readonly now: string;
}

const SVG = "http://www.w3.org/2000/svg";
const HEIGHT = 40;

/** Draws lines of a value a second that share a scale, with what they are and how high they are. */
export function chart(
  title: string,
  lines: readonly Line[],
  top: (most: number) => string,
): HTMLElement {
  const most = Math.max(...lines.flatMap(({ values }) => values), 0);
  const seconds = Math.max(0, ...lines.map(({ values }) => values.length));
  const span = `the last ${duration(seconds * 1_000)}`;
  const names = lines.map(({ name, kind, now }) =>
    el(
      "span",
      { class: `line ${kind}` },
      el("span", { class: "swatch", "aria-hidden": "true" }),
      `${name} `,
      el("strong", {}, now),
    )
  );
  return el(
    "figure",
    { class: "chart" },
    el(
      "figcaption",
      {},
      el("span", { class: "name" }, title),
      el("span", { class: "faint" }, `${span}, up to ${top(most)}`),
      ...names,
    ),
    plot(lines, most),
  );
}

/** Draws lines alone: they are said elsewhere. */
export function plot(
  lines: readonly Pick<Line, "kind" | "values">[],
  most: number,
): Element {
  const width = Math.max(2, ...lines.map(({ values }) => values.length)) - 1;
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", `0 -1 ${width} ${HEIGHT + 2}`);
  svg.setAttribute("preserveAspectRatio", "none");
  svg.setAttribute("aria-hidden", "true");
  for (const { kind, values } of lines) {
    const line = document.createElementNS(SVG, "polyline");
    const start = width + 1 - values.length;
    const points = values.map((value, at) =>
      `${start + at},${(HEIGHT * (1 - value / Math.max(most, 1))).toFixed(1)}`
    );
    line.setAttribute("points", points.join(" "));
    line.setAttribute("class", kind);
    svg.append(line);
  }
  return svg;
}
