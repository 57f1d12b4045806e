import type { Random } from "@mini/state/testing";

/** Values that have broken programs. */
export const VALUES: readonly string[] = [
  "0",
  "1",
  "-1",
  "2",
  "1.5",
  "1e300",
  "9007199254740991",
  "9007199254740992",
  "1e20",
  "null",
  "true",
  "false",
  '""',
  '"1"',
  '"a"',
  "[]",
  "{}",
  "[null]",
  '"all"',
  '"__proto__"',
  '{"__proto__":{"polluted":true}}',
  '{"constructor":{"prototype":{"polluted":true}}}',
  '"00000000"',
  "1796064841287",
  '"\\ud800"',
  '"\\u0000"',
  "-0",
  "8640000000000001",
];

type Json = unknown;

/** One of several. */
export function pick<T>(random: Random, from: readonly T[]): T {
  return from[random.below(from.length)]!;
}

/** The parts of a JSON text, each as a text. */
export function jsonOf(text: string): string[] {
  const found: string[] = [];
  const walk = (value: Json) => {
    found.push(JSON.stringify(value));
    if (typeof value === "object" && value !== null) {
      Object.values(value).forEach(walk);
    }
  };
  try {
    walk(JSON.parse(text));
  } catch {
    return [...VALUES];
  }
  return found;
}

/** Changes one value in a JSON text; a text that is none, somewhere. */
export function mutateJson(
  text: string,
  values: readonly string[],
  random: Random,
): string {
  let root: Json;
  try {
    root = JSON.parse(text);
  } catch {
    const at = random.below(text.length + 1);
    return text.slice(0, at) + pick(random, VALUES) +
      text.slice(at + random.below(5));
  }
  const places = placesIn(root);
  if (places.length === 0) return pick(random, values);
  const [holder, key] = pick(random, places);
  const value = holder[key];
  const parsed = () => JSON.parse(pick(random, values));
  switch (random.below(6)) {
    case 0:
      if (Array.isArray(holder)) holder.splice(Number(key), 1);
      else delete holder[key];
      break;
    case 1:
      if (Array.isArray(holder)) holder.push(value);
      else holder[pick(random, keysOf(values))] = parsed();
      break;
    case 2:
      if (typeof value === "number") {
        holder[key] = value + pick(random, [1, -1, 10, -value, 1000]);
        break;
      }
      holder[key] = parsed();
      break;
    case 3:
      holder[key] = pick(random, places)[0][key] ?? parsed();
      break;
    default:
      holder[key] = parsed();
  }
  try {
    return JSON.stringify(root);
  } catch {
    // It holds itself now.
    return text;
  }
}

/** The names of fields that occur in some values. */
function keysOf(values: readonly string[]): string[] {
  const keys = values.flatMap((text) =>
    [...text.matchAll(/"(\w+)":/g)].map(([, key]) => key!)
  );
  return keys.length > 0 ? keys : ["__proto__", "at", "id"];
}

function placesIn(root: Json): [Record<string, Json>, string][] {
  const places: [Record<string, Json>, string][] = [];
  const walk = (value: Json) => {
    if (typeof value !== "object" || value === null) return;
    const holder = value as Record<string, Json>;
    for (const key of Object.keys(holder)) {
      places.push([holder, key]);
      walk(holder[key]);
    }
  };
  walk(root);
  return places;
}
