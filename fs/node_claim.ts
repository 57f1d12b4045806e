/** A process, so that no other one, before or after, is taken for it. */
export interface ProcessIdentity {
  readonly pid: number;
  /** When the machine was started and, on its clock, the process. */
  readonly birth: string;
}

/**
 * A claim is an empty file whose name says which process has a journal open. Two
 * processes never make the same one, so that a dead one's can be removed
 * without taking away somebody else's.
 */
export function claimName(
  lockName: string,
  { pid, birth }: ProcessIdentity,
): string {
  return `${lockName}.${pid}.${birth}`;
}

/** The claims among the names in a directory, and whose they are. */
export function claimsIn(
  names: readonly string[],
  lockName: string,
): { readonly name: string; readonly owner: ProcessIdentity }[] {
  return names.flatMap((name) => {
    if (!name.startsWith(`${lockName}.`)) return [];
    const rest = name.slice(lockName.length + 1);
    const match = /^(\d+)\.([0-9a-f]+-\d+)$/.exec(rest);
    if (match === null) return [];
    return [{ name, owner: { pid: Number(match[1]), birth: match[2]! } }];
  });
}

/** What a process is born with: the machine's start, and its own. */
export function birth(bootId: string, startedAt: string): string {
  return `${bootId.slice(0, 8)}-${startedAt}`;
}

/**
 * When a process started, from Linux's `/proc/PID/stat`; `undefined` where it is
 * dead, a zombie included: its files are closed.
 */
export function startTime(stat: string): string | undefined {
  // The name of the program, in parentheses, may hold anything.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return ["Z", "X", "x"].includes(fields[0]!) ? undefined : fields[19];
}

/** Whether Linux's `/proc/locks` has a `flock` of the file with this inode. */
export function isFlocked(locks: string, inode: bigint): boolean {
  // Devices are numbered otherwise there than in a stat, on some file systems.
  return locks.split("\n").some((line) =>
    line.includes(" FLOCK ") && line.includes(`:${inode} `)
  );
}
