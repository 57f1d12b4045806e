import type { Command } from "./command.ts";
import { dump } from "./dump.ts";
import { snapshots } from "./snapshots.ts";
import { tail } from "./tail.ts";
import { verify } from "./verify.ts";

/** Every command, in the order in which help lists them. */
export const COMMANDS: readonly Command[] = [
  verify,
  dump,
  tail,
  snapshots,
];
