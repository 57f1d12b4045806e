import type { DeepReadonly, StateOptions } from "@mini/state/state";

/** One version of a package. */
export interface Release {
  readonly version: string;
  readonly integrity: string;
  /** Its dependencies, as `NAME@RANGE`. */
  readonly needs: readonly string[];
  /** Why nobody should use it any more. */
  yanked?: string;
}

/** The releases of each package. A Map: a package may be called `constructor`. */
export type Registry = Map<string, Release[]>;

/** A change of a registry. */
export type Change =
  | { readonly publish: Release; readonly name: string }
  | { readonly yank: string; readonly name: string; readonly reason: string };

/** A command that cannot be carried out; nothing was changed. */
export class Refusal extends Error {}

/** How a registry is kept. */
export const REGISTRY: StateOptions<Registry, Change> = {
  initial: () => new Map(),
  // The rules were kept before it was logged: here it has happened, and is not judged.
  apply: (registry, change) => {
    const releases = registry.get(change.name) ?? [];
    registry.set(change.name, releases);
    if ("publish" in change) releases.push(change.publish);
    else {
      const found = releases.find(({ version }) => version === change.yank);
      if (found !== undefined) found.yanked = change.reason;
    }
  },
  // Snapshots are JSON, and a Map is none.
  codec: {
    encode: (registry) => [...registry],
    decode: (json) => new Map(json as [string, Release[]][]),
  },
  // Opening replays 100 changes at most, and the registry can be shown as it was
  // after any change: no record is removed.
  snapshotEvery: 100,
  retain: "all",
};

/** Throws unless this can be published now. */
export function assertNew(
  registry: DeepReadonly<Registry>,
  name: string,
  { version, needs }: Release,
): void {
  if (!/^[a-z][a-z0-9-]{0,63}$/.test(name)) {
    throw new Refusal(`"${name}" is no name: a to z, 0 to 9 and -`);
  }
  parse(version);
  if (registry.get(name)?.some((other) => other.version === version)) {
    throw new Refusal(`${name}@${version} is there, and never changes`);
  }
  for (const need of needs) pick(registry, need);
}

/** A release, yanked or not. */
export function find(
  registry: DeepReadonly<Registry>,
  name: string,
  version: string,
): DeepReadonly<Release> {
  const found = registry.get(name)?.find((other) => other.version === version);
  if (found === undefined) throw new Refusal(`there is no ${name}@${version}`);
  return found;
}

/** The newest release that `NAME@RANGE` stands for and that is not yanked. */
export function pick(
  registry: DeepReadonly<Registry>,
  wanted: string,
): { readonly name: string; readonly release: DeepReadonly<Release> } {
  const [, name = "", range = ""] = /^([^@]+)@(.+)$/.exec(wanted) ?? [];
  const matches = matcher(range);
  const [release] = (registry.get(name) ?? [])
    .filter(({ version, yanked }) => yanked === undefined && matches(version))
    .sort((a, b) => compare(parse(b.version), parse(a.version)));
  if (release === undefined) throw new Refusal(`nothing is ${wanted}`);
  return { name, release };
}

/** Says of each release that nobody can use, since what it needs was yanked, why. */
export function broken(registry: DeepReadonly<Registry>): string[] {
  return Array.from(registry).flatMap(([name, releases]) =>
    releases.filter(({ yanked }) => yanked === undefined)
      .flatMap(({ version, needs }) =>
        needs.filter((need) => !isThere(registry, need))
          .map((need) => `${name}@${version} needs ${need}`)
      )
  );
}

function isThere(registry: DeepReadonly<Registry>, wanted: string): boolean {
  try {
    pick(registry, wanted);
    return true;
  } catch {
    return false;
  }
}

type Version = readonly [number, number, number];

function parse(text: string): Version {
  if (!/^(0|[1-9]\d{0,8})(\.(0|[1-9]\d{0,8})){2}$/.test(text)) {
    throw new Refusal(`"${text}" is no version, such as 1.2.3`);
  }
  return text.split(".").map(Number) as unknown as Version;
}

function compare(a: Version, b: Version): number {
  return a[0] - b[0] || a[1] - b[1] || a[2] - b[2];
}

/** Says which versions a range holds: `*`, `1.2.3` or, as npm has it, `^1.2.3`. */
function matcher(range: string): (version: string) => boolean {
  if (range === "*") return () => true;
  const base = parse(range.replace("^", ""));
  if (!range.startsWith("^")) return (version) => version === range;
  // What is left of the first number that is not 0, and that number, stay.
  const fixed = (base.findIndex((part) => part > 0) + 3) % 3 + 1;
  return (version) => {
    const found = parse(version);
    return compare(found, base) >= 0 &&
      base.slice(0, fixed).join() === found.slice(0, fixed).join();
  };
}
