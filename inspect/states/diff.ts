/** The difference between two states. Pure. */

import { brief } from "../../base/text.ts";
import type { Change } from "../api_types.ts";

const VALUE_CHARS = 200;

/** The places where two values of JSON differ, at most `max`. */
export function diff(before: unknown, after: unknown, max: number): Change[] {
  const changes: Change[] = [];
  compare(before, after, "$", changes, max);
  return changes;
}

function compare(
  before: unknown,
  after: unknown,
  path: string,
  changes: Change[],
  max: number,
): void {
  if (changes.length >= max || isSame(before, after)) return;
  if (Array.isArray(before) && Array.isArray(after)) {
    return compareLists(before, after, path, changes, max);
  }
  if (isObject(before) && isObject(after)) {
    for (
      const key of new Set([...Object.keys(before), ...Object.keys(after)])
    ) {
      const at = path + step(key);
      if (!Object.hasOwn(after, key)) {
        push(changes, max, { path: at, before: told(before[key]) });
      } else if (!Object.hasOwn(before, key)) {
        push(changes, max, { path: at, after: told(after[key]) });
      } else compare(before[key], after[key], at, changes, max);
    }
    return;
  }
  push(changes, max, { path, before: told(before), after: told(after) });
}

/** Skips what is the same at both ends, so that one item inserted at the front does not change all others. */
function compareLists(
  before: readonly unknown[],
  after: readonly unknown[],
  path: string,
  changes: Change[],
  max: number,
): void {
  const shorter = Math.min(before.length, after.length);
  let start = 0;
  while (start < shorter && isSame(before[start], after[start])) start++;
  let end = 0;
  while (
    end < shorter - start && isSame(before.at(-1 - end), after.at(-1 - end))
  ) end++;
  const [was, is] = [before.length - end, after.length - end];
  for (let at = start; at < Math.max(was, is); at++) {
    if (changes.length >= max) return;
    const place = `${path}[${at}]`;
    if (at >= is) push(changes, max, { path: place, before: told(before[at]) });
    else if (at >= was) {
      push(changes, max, { path: place, after: told(after[at]) });
    } else compare(before[at], after[at], place, changes, max);
  }
}

function push(changes: Change[], max: number, change: Change): void {
  if (changes.length < max) changes.push(change);
}

function told(value: unknown): string {
  return brief(value, VALUE_CHARS);
}

function step(key: string): string {
  return /^[A-Za-z_$][\w$]*$/.test(key)
    ? `.${key}`
    : `[${JSON.stringify(key)}]`;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isSame(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (Array.isArray(a) || Array.isArray(b)) {
    return Array.isArray(a) && Array.isArray(b) && a.length === b.length &&
      a.every((item, at) => isSame(item, b[at]));
  }
  if (!isObject(a) || !isObject(b)) return false;
  const keys = Object.keys(a);
  return keys.length === Object.keys(b).length &&
    keys.every((key) => Object.hasOwn(b, key) && isSame(a[key], b[key]));
}
