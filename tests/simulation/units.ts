/** What is known of a unit: as far as its caller was told, or an opening has shown. */
type Standing =
  /** Nobody knows. */
  | "pending"
  /** It survives the end of the process. */
  | "written"
  /** It survives a power cut. */
  | "durable"
  /** It is not there, and will not be. */
  | "refused";

/** Items that are there together, or not at all. */
export interface Unit {
  readonly items: readonly string[];
  standing: Standing;
  /** The sequence number of its last item, where the log holds items and nothing else. */
  seq?: number;
}

/** What was written, in the order of the calls: the plain model of a log. Items are unique. */
export class Units {
  readonly #units: Unit[] = [];

  issue(...items: string[]): Unit {
    const unit: Unit = { items, standing: "pending" };
    this.#units.push(unit);
    return unit;
  }

  /** Whether everything is known. */
  get isSettled(): boolean {
    return this.#units.every(({ standing }) => standing !== "pending");
  }

  /** What was written is durable. */
  synced(): void {
    for (const unit of this.#units) {
      if (unit.standing === "written") unit.standing = "durable";
    }
  }

  /** All items that may be there, in order. */
  get items(): string[] {
    return this.#units.filter(({ standing }) => standing !== "refused")
      .flatMap(({ items }) => items);
  }

  /**
   * Whether what came back can be true: a beginning of what was written, in
   * whole units, with everything in it that had to survive. What is wrong, if
   * anything. All is known afterwards.
   */
  recovered(found: readonly string[], isPowerCut: boolean): string | undefined {
    let at = 0;
    let missing: Unit | undefined;
    for (const unit of this.#units) {
      if (unit.standing === "refused") continue;
      const part = found.slice(at, at + unit.items.length);
      if (isSame(part, unit.items)) {
        if (missing !== undefined) {
          return `${name(unit)} is there, and not ${name(missing)} before it`;
        }
        at += part.length;
        unit.standing = "durable";
        if (unit.seq !== undefined && unit.seq !== at) {
          return `${name(unit)} has number ${at}, and was told ${unit.seq}`;
        }
        continue;
      }
      if (part.some((item) => unit.items.includes(item))) {
        return `${name(unit)} is there in part`;
      }
      const isLost = unit.standing === "durable" ||
        unit.standing === "written" && !isPowerCut;
      if (isLost) return `${name(unit)}, ${unit.standing}, is lost`;
      missing ??= unit;
      unit.standing = "refused";
    }
    return at === found.length
      ? undefined
      : `${found[at]} is there, which was refused or never written`;
  }

  /** Whether this is a beginning of what is known to be there. */
  isBeginning(found: readonly string[]): boolean {
    return isSame(found, this.items.slice(0, found.length));
  }
}

function name({ items }: Unit): string {
  return items.join("+");
}

/** Whether both hold the same, in the same order. */
export function isSame(
  some: readonly unknown[],
  others: readonly unknown[],
): boolean {
  return some.length === others.length &&
    some.every((item, index) => item === others[index]);
}
