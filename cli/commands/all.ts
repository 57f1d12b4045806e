import type { Command } from "../command.ts";
import { adoptCommand } from "./adopt.ts";
import { backupCommand } from "./backup.ts";
import { completionsCommand } from "./completions.ts";
import { consumerList, consumerRemove } from "./consumer.ts";
import { convertCommand } from "./convert.ts";
import { dump } from "./dump.ts";
import { inspect } from "./inspect.ts";
import { queueCancel, queuePurge, queueRedrive } from "./queue/change.ts";
import {
  queueDead,
  queueFinished,
  queueGet,
  queuePeek,
  queueStats,
} from "./queue/look.ts";
import { restoreCommand } from "./restore.ts";
import { repairCommand } from "./repair.ts";
import { salvageCommand } from "./salvage.ts";
import { snapshots } from "./snapshots.ts";
import { statCommand } from "./stat.ts";
import { state } from "./state.ts";
import { tail } from "./tail.ts";
import { verifyCommand } from "./verify.ts";

/** Every command, in the order in which help lists them. */
export const COMMANDS: readonly Command[] = [
  verifyCommand,
  statCommand,
  dump,
  tail,
  state,
  snapshots,
  inspect,
  repairCommand,
  salvageCommand,
  convertCommand,
  adoptCommand,
  backupCommand,
  restoreCommand,
  consumerList,
  consumerRemove,
  queueStats,
  queuePeek,
  queueGet,
  queueFinished,
  queueDead,
  queueRedrive,
  queuePurge,
  queueCancel,
  completionsCommand(() => COMMANDS),
];
