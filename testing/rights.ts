import type { Rights } from "./disk.ts";

/** Whom a process runs as. */
export interface User {
  /** The user, 0 for root. */
  readonly uid: number;
  /** The first of their groups. */
  readonly gid: number;
  /** Other groups. */
  readonly groups?: readonly number[];
  /** Whether root may give files away; a container may take that from it. @default {true} */
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

/** What becomes of a file that somebody gives group, mode and owner of another, as far as they may. */
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
