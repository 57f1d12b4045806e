import type { Rights } from "./disk.ts";

/** The user that a process runs as. */
export interface User {
  /** The number of the user, 0 for root. */
  readonly uid: number;
  /** The number of their first group. */
  readonly gid: number;
  /** The numbers of their other groups. */
  readonly groups?: readonly number[];
  /** Whether root may give files away: in some containers it may not. @default {true} */
  readonly mayChown?: boolean;
}

const READ = 4;
const WRITE = 2;

function isIn({ gid, groups = [] }: User, group: number): boolean {
  return gid === group || groups.includes(group);
}

/** Whether the mode lets somebody open a file. */
export function mayOpen(
  user: User,
  rights: Rights,
  access: "read" | "append" | "both",
): boolean {
  if (user.uid === 0) return true;
  const place = user.uid === rights.uid ? 6 : isIn(user, rights.gid) ? 3 : 0;
  const wants = (access === "append" ? 0 : READ) |
    (access === "read" ? 0 : WRITE);
  return (rights.mode >> place & wants) === wants;
}

/** The rights of a file after a user has given it those of another, as far as that user may. */
export function ownedLike(
  user: User,
  rights: Rights,
  { uid, gid, mode }: Rights,
): Rights {
  const mayGive = user.uid === 0 && user.mayChown !== false;
  if (user.uid !== 0 && user.uid !== rights.uid) return rights;
  return {
    uid: mayGive ? uid : rights.uid,
    gid: mayGive || isIn(user, gid) ? gid : rights.gid,
    mode,
  };
}
