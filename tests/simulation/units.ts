/** The standing of a unit, as its caller was told or an opening has shown. */
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
  /** Whether the code that runs does not take it; if that is refused as well, it is left out for good. */
  isPassedOver?: boolean;
  /** How many units its record proves to have been applied, the first ones. */
  proves?: number;
}

/** The units that were written, in the order of the calls: the plain model of a log. Items are unique. */
export class Units {
  readonly #units: Unit[] = [];
  /** How many of them, the first ones, are proven to have been applied. */
  #proven = 0;

  issue(...items: string[]): Unit {
    const unit: Unit = { items, standing: "pending" };
    this.#units.push(unit);
    return unit;
  }

  /** Whether everything is known. */
  get isSettled(): boolean {
    return this.#units.every(({ standing }) => standing !== "pending") &&
      this.passedOver.length === 0;
  }

  /** Marks what was written as durable. */
  synced(): void {
    for (const unit of this.#units) {
      if (unit.standing === "written") unit.standing = "durable";
    }
  }

  /** All items that may be there, in order. */
  get items(): string[] {
    return this.#units
      .filter((unit) => unit.standing !== "refused" && !unit.isPassedOver)
      .flatMap(({ items }) => items);
  }

  /** Units that may be there, and that the running code does not take. */
  get passedOver(): Unit[] {
    return this.#units
      .filter((unit) => unit.standing !== "refused" && unit.isPassedOver);
  }

  /** How many units, the first ones, have been applied: the last of them is acknowledged. */
  get applied(): number {
    return 1 +
      this.#units.findLastIndex(({ standing, isPassedOver }) =>
        !isPassedOver && (standing === "durable" || standing === "written")
      );
  }

  /** The number of units, from the first, that are proven to have been applied. */
  prove(count: number): void {
    this.#proven = Math.max(this.#proven, count);
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
        unit.isPassedOver = false;
        this.prove(unit.proves ?? 0);
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
      if (!unit.isPassedOver) missing ??= unit;
      unit.standing = "refused";
    }
    return at === found.length
      ? undefined
      : `${found[at]} is there, which was refused or never written`;
  }

  /**
   * Compares with all that is known what older code makes of it, which leaves
   * out some. What is wrong, if anything.
   */
  passOver(
    found: readonly string[],
    leftOut: readonly string[],
  ): string | undefined {
    for (const [index, unit] of this.#units.entries()) {
      if (unit.standing === "refused") continue;
      unit.isPassedOver = leftOut.includes(unit.items[0]!);
      if (unit.isPassedOver && index < this.#proven) {
        return `${name(unit)} was applied, and that it was shows nowhere`;
      }
    }
    const left = this.passedOver.flatMap(({ items }) => items);
    if (!isSame(left, leftOut)) {
      return `${leftOut} is left out, and not ${left}`;
    }
    if (!isSame(found, this.items)) {
      return `older code finds ${found}, not ${this.items}`;
    }
    return undefined;
  }

  /** Whether another process may see this: a beginning of what was written, in whole units, perhaps with what is taken back meanwhile. */
  mayBeSeen(found: readonly string[]): boolean {
    let at = 0;
    for (const unit of this.#units) {
      if (at === found.length) return true;
      const part = found.slice(at, at + unit.items.length);
      if (isSame(part, unit.items)) at += part.length;
      else if (unit.standing !== "refused" && !unit.isPassedOver) return false;
    }
    return at === found.length;
  }

  /** Whether this is a beginning of what is known to be there. */
  isBeginning(found: readonly string[]): boolean {
    return isSame(found, this.items.slice(0, found.length));
  }

  /** The same without what was left out for good: what says so may be gone. */
  withoutLeftOut(found: readonly string[]): string[] {
    const leftOut = this.#units
      .filter((unit) => unit.standing === "refused" && unit.isPassedOver)
      .flatMap(({ items }) => items);
    return found.filter((item) => !leftOut.includes(item));
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
