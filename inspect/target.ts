// deno-lint-ignore-file no-explicit-any -- a target is of any type
import {
  type JournalContext,
  locateOrLost,
  lookInto,
  optionsOf,
  QueueOnDisk,
  type ReducerOptions,
  viewOptionsOf,
} from "../admin/internal.ts";
import type { Health } from "../base/telemetry/health.ts";
import { absolutePath, systemFileSystem } from "../fs/system.ts";
import type { FileSystem } from "../fs/file_system.ts";
import { MiniQueue, QueueView } from "../queue/mod.ts";
import { StateManager, StateView } from "../state/mod.ts";
import { MiniStore } from "../store/mod.ts";
import type { LiveFacts, TargetKind } from "./api_types.ts";
import type { InspectOptions } from "./options.ts";
import { problemOf } from "./problem.ts";
import type { ShownQueue } from "./queue/messages.ts";
import type { Redactor } from "./redact.ts";

/** The target of an inspector: the path of a journal, or of the directory of a state or a queue; or an object that is open. */
export type InspectTarget =
  | string
  | URL
  | MiniStore<any>
  | StateManager<any, any>
  | StateView<any, any>
  | MiniQueue<any, any, any>
  | QueueView<any, any>;

/** The most waiting messages of an open queue that are looked at, as it has other things to do. */
const MAX_WAITING = 5_000;

/** A target, and how it is looked at. */
export interface Target {
  readonly kind: TargetKind;
  readonly fs: FileSystem;
  /** Finds the log. */
  find(): Promise<JournalContext>;
  readonly definition: ReducerOptions | undefined;
  /** Tells what no file tells. */
  facts?(redactor: Redactor): LiveFacts | Promise<LiveFacts>;
  /** Tells whether it is well, where an owner knows. */
  health?(): Promise<Health>;
  /** The queue, as its owner sees it. */
  readonly queue?: MiniQueue<unknown>;
  /** The state, as its owner sees it. */
  readonly state?: StateManager<unknown, unknown>;
}

/** Takes a target apart. Throws a `TypeError` for what is none. */
export function targetOf(
  given: InspectTarget,
  options: InspectOptions,
): Target {
  const { fs = systemFileSystem, journal, maxRecordBytes } = options;
  const definition = options.definition as ReducerOptions | undefined;
  const filesAt = (path: string | undefined, seam = fs) => {
    if (path === undefined) {
      throw new TypeError(
        "Cannot inspect it: it was given a log that is no MiniStore, and has no files",
      );
    }
    const find = () =>
      locateOrLost(path, { fs: seam, journal, maxRecordBytes });
    return { fs: seam, find, definition };
  };
  if (typeof given === "string" || given instanceof URL) {
    const path = given instanceof URL ? absolutePath(given) : given;
    return { kind: "files", ...filesAt(path) };
  }
  if (given instanceof MiniStore) return ofStore(given, filesAt(given.path));
  if (given instanceof StateManager) {
    const own = optionsOf(given);
    return ofState(given, {
      ...filesAt(given.journalPath, own.fs ?? fs),
      definition: own,
    });
  }
  if (given instanceof StateView) {
    const own = viewOptionsOf(given);
    return ofView(given, {
      ...filesAt(given.journalPath, own.fs ?? fs),
      definition: own,
    });
  }
  if (given instanceof MiniQueue) {
    const queue = given as MiniQueue<unknown>;
    return {
      kind: "queue",
      ...filesAt(given.journalPath),
      queue,
      health: () => queue.health(),
      facts: () => ({ sequence: queue.sequence }),
    };
  }
  if (given instanceof QueueView) {
    return ofQueueView(given, filesAt(given.journalPath));
  }
  throw new TypeError(
    "createInspector() takes a path, a MiniStore, a StateManager, a StateView, a MiniQueue or a QueueView",
  );
}

/** The part that all targets have. */
type Files = Pick<Target, "fs" | "find" | "definition">;

function ofStore(store: MiniStore<unknown>, files: Files): Target {
  let failed: unknown;
  store.failed.then((error) => failed = error, () => {});
  return {
    kind: "store",
    ...files,
    health: () => store.health(),
    facts: (redactor) => ({
      sequence: store.sequence,
      ...failure(failed, redactor),
    }),
  };
}

function ofState(state: StateManager<unknown, unknown>, files: Files): Target {
  return {
    kind: "state",
    ...files,
    health: () => state.health(),
    state,
    facts(redactor) {
      const { snapshotFailure } = state;
      return {
        isClosed: state.isClosed,
        sequence: state.sequence,
        ...failure(state.failure, redactor),
        ...(snapshotFailure !== undefined && {
          snapshotFailure: problemOf(snapshotFailure, redactor),
        }),
      };
    },
  };
}

function ofView(view: StateView<unknown, unknown>, files: Files): Target {
  return {
    kind: "view",
    ...files,
    facts: (redactor) => ({
      isClosed: view.isClosed,
      sequence: view.sequence,
      lag: view.lag,
      resets: view.resets,
      ...failure(view.failure, redactor),
    }),
  };
}

function ofQueueView(view: QueueView<unknown>, files: Files): Target {
  return {
    kind: "queueView",
    ...files,
    facts: (redactor) => ({
      sequence: view.sequence,
      lag: view.lag,
      ...failure(view.failure, redactor),
    }),
  };
}

function failure(
  error: unknown,
  redactor: Redactor,
): Pick<LiveFacts, "failure"> {
  return error === undefined ? {} : { failure: problemOf(error, redactor) };
}

/** A queue as its owner sees it. */
export async function shownBy(queue: MiniQueue<unknown>): Promise<ShownQueue> {
  const view = await lookInto(queue);
  const { sequence } = queue;
  return {
    found: new QueueOnDisk(view, sequence),
    limit: MAX_WAITING,
    schedules: await queue.schedules(),
  };
}
