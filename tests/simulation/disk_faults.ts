import type { Fault, FileSystemCall, Random } from "@mini/state/testing";

type Operation = FileSystemCall["operation"];

/** A call that was made to fail. */
export interface Failed {
  readonly operation: Operation;
  readonly path: string;
  readonly code: string;
}

/** How a disk fails. */
interface Plan {
  readonly operations: readonly Operation[];
  readonly codes: readonly string[];
  /** How many calls fail, beginning with one that chance picks. */
  readonly times: readonly number[];
}

const CHANGING: readonly Operation[] = [
  "write",
  "create",
  "rename",
  "remove",
  "truncate",
  "sync",
  "syncDirectory",
];
const FULL = ["ENOSPC", "EDQUOT", "EFBIG"];
const FOR_EVER = Infinity;

/** The ways a disk fails, the likelier ones more than once. */
const PLANS: readonly Plan[] = [
  { operations: ["sync"], codes: ["EIO", "ENOSPC"], times: [1, FOR_EVER] },
  { operations: ["write"], codes: FULL, times: [1, 2, 5] },
  { operations: ["write"], codes: FULL, times: [1, 2, 5] },
  { operations: ["write", "create"], codes: FULL, times: [5, 20] },
  { operations: ["write"], codes: ["EIO"], times: [1, FOR_EVER] },
  { operations: CHANGING, codes: ["EROFS"], times: [FOR_EVER] },
  { operations: ["open", "create"], codes: ["EMFILE"], times: [1, 4, 20] },
  { operations: ["syncDirectory"], codes: ["EIO"], times: [1, FOR_EVER] },
  { operations: ["create", "rename"], codes: ["EIO", "ENOSPC"], times: [1, 3] },
  { operations: ["rename"], codes: ["EIO", "EACCES"], times: [1] },
  { operations: ["remove"], codes: ["EIO", "EACCES"], times: [1, 3] },
  { operations: ["stat", "list"], codes: ["EIO"], times: [1] },
  { operations: ["read", "open"], codes: ["EIO"], times: [1, 3] },
];

/** A disk whose space is used up, and which cannot even shrink a file. */
const STUCK: readonly Plan[] = [
  { operations: ["write"], codes: FULL, times: [1] },
  { operations: ["truncate"], codes: ["EIO"], times: [FOR_EVER] },
];

/** Has calls fail in ways that real disks know. */
export class DiskFaults {
  readonly #random: Random;
  #active: { readonly plan: Plan; skip: number; left: number; code: string }[] =
    [];
  /** The calls that have failed, the last one at the end. */
  readonly failed: Failed[] = [];

  constructor(random: Random) {
    this.#random = random;
  }

  /** Has calls fail from some moment soon on. */
  arm(): void {
    const stuck = this.#random.oneIn(12);
    for (const plan of stuck ? STUCK : [this.#pick(PLANS)]) {
      const isFrequent = plan.operations.includes("write");
      this.#active.push({
        plan,
        skip: stuck ? 0 : this.#random.below(isFrequent ? 12 : 6),
        left: this.#pick(plan.times),
        code: this.#pick(plan.codes),
      });
    }
  }

  /** Has the next write find no room. */
  fill(): void {
    const code = this.#pick(FULL);
    const plan: Plan = { operations: ["write"], codes: FULL, times: [1] };
    this.#active.push({ plan, skip: 0, left: 1, code });
  }

  /** Has all calls succeed. */
  mend(): void {
    this.#active = [];
  }

  /** The fault of the next call, if any. */
  next({ operation, path }: FileSystemCall): Fault | undefined {
    for (const fault of this.#active) {
      if (!fault.plan.operations.includes(operation)) continue;
      if (fault.skip-- > 0 || fault.left-- <= 0) continue;
      const { code } = fault;
      this.failed.push({ operation, path, code });
      return { code, keepBytes: this.#random.below(60) };
    }
    return undefined;
  }

  #pick<T>(from: readonly T[]): T {
    return from[this.#random.below(from.length)]!;
  }
}
