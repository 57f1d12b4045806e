import { basename } from "@std/path";
import { changeQueue, type JournalContext } from "../admin/internal.ts";
import { count } from "../base/text.ts";
import type { MiniQueue } from "../queue/mod.ts";
import { StateManager, type StateOptions } from "../state/mod.ts";
import type { ActionDone, ActionInputs, ActionName } from "./api_types.ts";
import type { Target } from "./target.ts";

/** A request that makes no sense. */
export class BadRequest extends TypeError {}

const OF_QUEUE: readonly ActionName[] = [
  "redrive",
  "cancel",
  "purge",
  "pause",
  "resume",
];

/** The options that opening the files of a state takes from what was given to show it. */
const OWN_OPTIONS: readonly (keyof StateOptions<unknown, unknown>)[] = [
  "initial",
  "apply",
  "immutable",
  "codec",
  "schema",
  "upcast",
  "migrate",
  "version",
  "retain",
  "keepSnapshots",
  "timestamps",
];

/** Whether a target can be acted upon in this way. */
export function canAct(
  { kind, definition }: Pick<Target, "kind" | "definition">,
  isQueue: boolean,
  action: ActionName,
): boolean {
  if (kind === "store") return false;
  if (OF_QUEUE.includes(action)) return isQueue;
  const isState = !isQueue && (kind === "state" || definition !== undefined);
  return isState || isQueue && action === "compact";
}

/** Acts upon an open queue or state by its own methods; over files it opens the owner for the moment. */
export async function act(
  { target, context, isQueue }: {
    readonly target: Target;
    readonly context: JournalContext;
    readonly isQueue: boolean;
  },
  action: ActionName,
  input: Readonly<Record<string, unknown>>,
): Promise<ActionDone> {
  if (!canAct(target, isQueue, action)) {
    throw new BadRequest(`${action}: there is nothing here that can do that`);
  }
  const { queue, state } = target;
  if (isQueue) {
    const task = queueTask(action, input);
    return await (queue ? task(queue) : changeQueue(context, task));
  }
  const task = action === "compact" ? compact : snapshot;
  return await (state ? task(state) : inState(target, task));
}

/** The task of an action on a queue. Throws a {@linkcode BadRequest} for wrong input. */
function queueTask(
  action: ActionName,
  input: Readonly<Record<string, unknown>>,
): (queue: MiniQueue<unknown>) => Promise<ActionDone> {
  switch (action) {
    case "redrive":
      return redriving(input);
    case "cancel":
      return cancelling(input);
    case "purge":
      return purging(input);
    case "pause":
      return (queue) => queue.pause().then(() => done(action, "paused"));
    case "resume":
      return (queue) => queue.resume().then(() => done(action, "resumed"));
    default:
      return compact;
  }
}

function redriving(
  { which, perSecond }: Readonly<Record<string, unknown>>,
): (queue: MiniQueue<unknown>) => Promise<ActionDone> {
  const isList = Array.isArray(which) && which.every(isId);
  if (which !== "all" && !isList) {
    throw new BadRequest('redrive: which must be a list of ids or "all"');
  }
  const isRate = typeof perSecond === "number" && perSecond > 0;
  if (perSecond !== undefined && !isRate) {
    throw new BadRequest("redrive: perSecond must be a number above 0");
  }
  const chosen = which as ActionInputs["redrive"]["which"];
  const ids = chosen === "all" ? chosen : [...chosen];
  return async (queue) => {
    const options = isRate ? { perSecond } : {};
    const found = await queue.redrive(ids, options);
    const text = `${count(found, "message")} redriven`;
    const [id] = ids.length === 1 ? ids : [];
    return {
      ...done("redrive", text),
      count: found,
      ...(typeof id === "number" && { id }),
    };
  };
}

function cancelling(
  { id, reason }: Readonly<Record<string, unknown>>,
): (queue: MiniQueue<unknown>) => Promise<ActionDone> {
  if (!isId(id)) throw new BadRequest("cancel: id must be that of a message");
  if (reason !== undefined && typeof reason !== "string") {
    throw new BadRequest("cancel: reason must be text");
  }
  return async (queue) => {
    const found = await queue.cancel(id, reason);
    return { ...done("cancel", `message ${id}: ${found}`), id, found };
  };
}

function purging(
  { which }: Readonly<Record<string, unknown>>,
): (queue: MiniQueue<unknown>) => Promise<ActionDone> {
  if (which !== "dead" && which !== "all" && !isId(which)) {
    throw new BadRequest('purge: which must be an id, "dead" or "all"');
  }
  return async (queue) => {
    const found = await queue.purge(which);
    const text = `${count(found, "message")} removed`;
    const one = typeof which === "number" ? { id: which } : {};
    return { ...done("purge", text), count: found, ...one };
  };
}

async function compact(
  owner: Pick<MiniQueue<unknown>, "compact">,
): Promise<ActionDone> {
  const { firstSequence } = await owner.compact();
  return done(
    "compact",
    `compacted: the log begins at record ${firstSequence}`,
  );
}

async function snapshot(
  state: StateManager<unknown, unknown>,
): Promise<ActionDone> {
  const { seq } = await state.createSnapshot();
  return done("snapshot", `snapshot at record ${seq}`);
}

async function inState(
  { fs, definition, find }: Target,
  task: (state: StateManager<unknown, unknown>) => Promise<ActionDone>,
): Promise<ActionDone> {
  // Opening what is gone would make an empty one.
  const { paths } = await find();
  const given = definition as StateOptions<unknown, unknown>;
  const own = OWN_OPTIONS.filter((name) => given[name] !== undefined)
    .map((name) => [name, given[name]]);
  const state = await StateManager.open(paths.directory, {
    ...Object.fromEntries(own) as StateOptions<unknown, unknown>,
    journal: basename(paths.active),
    snapshotEvery: "never",
    fs,
  });
  return await task(state).finally(() => state.close());
}

function done(action: ActionName, text: string): ActionDone {
  return { action, text };
}

function isId(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 1;
}
