import type { QueueOpenMessage } from "../../queue/mod.ts";
import type { SnapshotMessage } from "../../snap/mod.ts";
import type { ApplyMessage, StateOpenMessage } from "../../state/mod.ts";
import type {
  AppendMessage,
  CommitMessage,
  CompactMessage,
  LogOpenMessage,
  RotateMessage,
} from "../../store/mod.ts";
import { type Operation, placeOf } from "../operation.ts";
import { SPANS } from "../registry.ts";
import type { Attributes } from "../types.ts";

/** The attributes of what is done to a log or a state. */
export function ofLog(path: string | undefined): Attributes {
  return {
    "db.system.name": "mini-state",
    ...path !== undefined && { "db.namespace": placeOf(path) },
  };
}

/** The name and the attributes of an operation on a log or a state. */
function begun(operation: string, path: string | undefined) {
  const common = { ...ofLog(path), "db.operation.name": operation };
  return {
    name: path === undefined ? operation : `${operation} ${placeOf(path)}`,
    common,
  };
}

/** The same of one that may take several records or mutations. */
function begunMany(operation: string, path: string | undefined, size: number) {
  return size === 1 ? begun(operation, path) : {
    ...begun(`BATCH ${operation}`, path),
    own: { "db.operation.batch.size": size },
  };
}

/** The number of the record, once it is known. */
function seqOf({ seq }: { readonly seq?: number }): Attributes {
  return { "mini_state.seq": seq! };
}

const OPEN: Operation<LogOpenMessage | StateOpenMessage | QueueOpenMessage> = {
  info: SPANS.open,
  begin(message) {
    const { kind } = message;
    const place = kind === "queue" ? message.directory : message.path;
    const { name, common } = begun("open", place);
    return { name, common: { ...common, "mini_state.kind": kind } };
  },
  end: (message) =>
    message.kind === "queue" || message.recovery === undefined
      ? {}
      : { "mini_state.recovery": message.recovery.outcome },
};

const APPEND: Operation<AppendMessage> = {
  info: SPANS.append,
  begin: ({ path, records }) => begunMany("append", path, records),
  end: seqOf,
};

const APPLY: Operation<ApplyMessage> = {
  info: SPANS.apply,
  begin: ({ path, mutations }) => begunMany("apply", path, mutations),
  end: seqOf,
};

const COMMIT: Operation<CommitMessage> = {
  info: SPANS.commit,
  begin: ({ path, records, callers, last }) => ({
    ...begun("commit", path),
    own: {
      "mini_state.commit.records": records,
      "mini_state.commit.callers": callers,
      "mini_state.seq": last,
    },
  }),
  sharedBy: ({ appends }) => appends,
  end: ({ bytes, syncMs }) => ({
    "mini_state.commit.bytes": bytes!,
    "mini_state.sync.duration": syncMs! / 1_000,
  }),
  measure({ callers, records, bytes, syncMs, durable }, record) {
    record("mini_state.commit.callers", callers);
    if (syncMs === undefined) return;
    record("mini_state.commit.records", records);
    record("mini_state.commit.bytes", bytes!);
    if (durable) record("mini_state.sync.duration", syncMs / 1_000);
  },
};

const ROTATE: Operation<RotateMessage> = {
  info: SPANS.rotate,
  begin: ({ path, last }) => ({
    ...begun("rotate", path),
    own: { "mini_state.seq": last },
  }),
};

const COMPACT: Operation<CompactMessage> = {
  info: SPANS.compact,
  begin: ({ path, upTo }) => ({
    ...begun("compact", path),
    own: { "mini_state.seq": upTo },
  }),
  end: ({ removed, removedBytes }) => ({
    "mini_state.removed.files": removed!,
    "mini_state.removed.bytes": removedBytes!,
  }),
};

const SNAPSHOT: Operation<SnapshotMessage> = {
  info: SPANS.snapshot,
  begin: ({ path, seq }) => ({
    ...begun("snapshot", path),
    own: { "mini_state.seq": seq },
  }),
  end: ({ sizeBytes }) => ({ "mini_state.snapshot.bytes": sizeBytes! }),
};

/** The operations on a log or a state, one for each tracing channel. */
export const DATABASE_OPERATIONS: readonly Operation<never>[] = [
  OPEN,
  APPEND,
  APPLY,
  COMMIT,
  ROTATE,
  COMPACT,
  SNAPSHOT,
];
