import {
  aFileSystem,
  aFunction,
  aName,
  assertOptions,
  type Checks,
  countFrom,
  having,
} from "../base/checks.ts";
import type { FileSystem } from "../fs/file_system.ts";
import type { StateOptions } from "../state/mod.ts";
import type { ActionName } from "./api_types.ts";
import type { Redact } from "./redact.ts";

/** The options of a state that showing it takes, and those by which an action on its files opens it. */
export type InspectDefinition<S, M> = Pick<
  StateOptions<S, M>,
  | "initial"
  | "apply"
  | "immutable"
  | "codec"
  | "schema"
  | "upcast"
  | "migrate"
  | "version"
  | "retain"
  | "keepSnapshots"
  | "timestamps"
>;

/** Decides about a request: only `true` lets it through. */
export type Authorize = (
  request: Request,
  action?: ActionName,
) => boolean | Promise<boolean>;

/** How something is inspected. */
export interface InspectOptions<S = unknown, M = unknown> {
  /**
   * Decides who may look, and who may act. It is asked for every request, also
   * for the page itself; for a live stream again before each of its news, so that
   * it ends where the right to look is taken away; once more, with its name, for an
   * action; and with the name of each action for a page, which offers
   * those that are allowed. Anything but `true` is 403, a throw is 500, without
   * saying why. It must leave the body of the request alone.
   */
  authorize: Authorize;
  /** The actions that the page offers. Over files an action opens the state or the queue for that moment. @default {[]} */
  actions?: readonly ActionName[];
  /**
   * Gives what may be shown of a value. It comes before everything: what it
   * leaves out is in no answer, and no search finds it. It returns the same kind
   * of value, not a promise; where it throws, nothing is shown. A record of a
   * queue, and its state, hold its messages: look at any depth.
   */
  redact?: Redact;
  /** The origin of the page, as `https://example.org`, where a proxy stands before the server. @default {that of the request} */
  origin?: string;
  /** The options of the state whose files are looked at: what its mutations do is known to its program alone. A `StateManager` and a `StateView` have it with them. */
  definition?: InspectDefinition<S, M>;
  /** The file system of the files, also of those of an open queue. @default {systemFileSystem} */
  fs?: FileSystem;
  /** The name of the journal, where a path is a directory. @default {"journal.jsonl"} */
  journal?: string;
  /** The `maxRecordBytes` of the program that wrote the journal. @default {16777216} */
  maxRecordBytes?: number;
}

/** Every action. */
export const ACTIONS: readonly ActionName[] = [
  "redrive",
  "cancel",
  "purge",
  "pause",
  "resume",
  "compact",
  "snapshot",
];

const CHECKS: Checks<InspectOptions> = {
  authorize: aFunction,
  actions: areActions,
  redact: aFunction,
  origin: anOrigin,
  definition(name, value) {
    having("initial", "apply")(name, value);
  },
  fs: aFileSystem,
  journal: aName,
  maxRecordBytes: countFrom(1),
};

/** Throws a `TypeError` for options that are missing, unknown or wrong. */
export function checkOptions(options: InspectOptions): void {
  assertOptions("createInspector()", options, CHECKS, ["authorize"]);
}

function areActions(name: string, value: unknown): void {
  if (!Array.isArray(value)) throw new TypeError(`${name} must be an array`);
  for (const action of value) {
    if (ACTIONS.includes(action)) continue;
    throw new TypeError(
      `${name} has no "${action}"; there are ${ACTIONS.join(", ")}`,
    );
  }
}

function anOrigin(name: string, value: unknown): void {
  const isOrigin = typeof value === "string" && URL.canParse(value) &&
    new URL(value).origin === value;
  if (isOrigin) return;
  throw new TypeError(
    `${name} must be an origin, as "https://example.org", not ${String(value)}`,
  );
}
