/** The identity of a process: no other, before or after, has the same. */
export interface ProcessIdentity {
  readonly pid: number;
  /** When the machine started and, on its clock, the process. */
  readonly birth: string;
}

/**
 * The name of a claim: an empty file whose name says which process has a journal
 * open. No two processes make the same one, so that removing the claim of a dead
 * process takes nothing from another.
 */
export function claimName(
  lockName: string,
  { pid, birth }: ProcessIdentity,
): string {
  return `${lockName}.${pid}.${birth}`;
}

/** The claims among the names in a directory, and their owners. */
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

/** The birth of a process: when the machine started, and when the process did. */
export function birth(bootId: string, startedAt: string): string {
  return `${bootId.slice(0, 8)}-${startedAt}`;
}

/**
 * When a process started, from Linux's `/proc/PID/stat`; `undefined` if it is
 * dead or a zombie, whose files are closed.
 */
export function startTime(stat: string): string | undefined {
  // The name of the program, in parentheses, may hold anything.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return ["Z", "X", "x"].includes(fields[0]!) ? undefined : fields[19];
}

/** Whether Linux's `/proc/locks` lists a `flock` of the file with this inode. */
export function isFlocked(locks: string, inode: bigint): boolean {
  // On some file systems devices have other numbers there than in a stat.
  return locks.split("\n").some((line) =>
    line.includes(" FLOCK ") && line.includes(`:${inode} `)
  );
}
