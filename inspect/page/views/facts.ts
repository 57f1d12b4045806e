/** The journal at a glance, on every view. */
import type { Overview } from "../../api_types.ts";
import type { App } from "../app.ts";
import { byId, el, fill } from "../parts/dom.ts";
import { count, grouped, range, size, times } from "../parts/text.ts";

/** Shows the journal at a glance. */
export function drawFacts({ info }: App): void {
  const { path, format, records, first, last, segments, ...rest } = info!;
  const isDamaged = segments.some(({ status }) => status === "damaged");
  const facts = [
    ["records", records === 0 ? "none" : range(first, last)],
    ["segments", grouped(segments.length)],
    ["size", size(rest.sizeBytes)],
    ["snapshots", grouped(rest.snapshots.length)],
    ["log", isDamaged ? "damaged" : rest.end],
    ["health", rest.health.status],
    format === "ministore"
      ? ["format", "of the Rust program"]
      : ["read", `${donePercent(info!)} %`],
    ...liveFacts(info!),
  ] as const;
  byId("path").textContent = path;
  const name = path.split(/[\\/]/).slice(-2).join("/");
  document.title = `${name} · mini inspect`;
  const items = facts.map(([name, value]) =>
    el(
      "div",
      { class: /^(log|health)$/.test(name) ? value : undefined },
      el("dt", {}, name),
      el("dd", {}, value),
    )
  );
  fill(byId("facts"), ...items);
}

/** Facts that only an object that is open can tell. */
function liveFacts({ live }: Overview): (readonly [string, string])[] {
  if (live === undefined) return [];
  const { isClosed, sequence, lag, resets = 0 } = live;
  return [
    ["applied", isClosed ? "closed" : grouped(sequence)],
    ...lag === undefined ? [] : [["behind", count(lag, "record")] as const],
    ...resets === 0 ? [] : [["made again", times(resets)] as const],
  ];
}

/** How much of the journal was read, in per cent. */
function donePercent(info: Overview): number {
  const { segments, snapshots, sizeBytes, verified } = info;
  const isAll = verified.isDone &&
    ![...segments, ...snapshots].some(({ status }) => status === "unread");
  if (isAll) return 100;
  const total = snapshots.reduce(
    (sum, file) => sum + file.sizeBytes,
    sizeBytes,
  );
  return Math.min(99, Math.floor(verified.bytes / Math.max(1, total) * 100));
}
