import { attempt, staged } from "../../fs/atomic_file.ts";
import type { FileHandle } from "../../fs/file_system.ts";
import type { Calls } from "../../fs/steps/calls.ts";
import { type Steps, wait } from "../../fs/steps/steps.ts";
import type { Encoded } from "../format/line.ts";
import type { JournalContext } from "../journal.ts";
import { ActiveSegment } from "./active_segment.ts";
import { failed } from "./failed.ts";

/**
 * Creates the segment that follows `old` and gives both files their names, each
 * step durable before the next. After a {@linkcode MiniError} both are as they were.
 */
export function* startNext(
  calls: Calls,
  context: JournalContext,
  { old, sealed, header: { bytes, chain } }: {
    readonly old: ActiveSegment;
    /** The new name of the old segment. */
    readonly sealed: string;
    readonly header: Encoded;
  },
): Steps<ActiveSegment> {
  const { paths, staging } = context;
  let file: FileHandle | undefined;
  let isUnknown = false;
  function* rename(from: string, to: string): Steps<void> {
    yield* wait(calls.rename(from, to));
    isUnknown = true;
    yield* wait(calls.syncDirectory(paths.directory));
    isUnknown = false;
  }
  try {
    if ((yield* wait(calls.stat(sealed))) !== undefined) {
      throw new Error(`the file "${sealed}" exists already`);
    }
    const fill = (file: FileHandle) => calls.of(file).write(bytes);
    file = yield* staged(calls, staging, fill);
    // Before the names change: a failure here leaves the old segment in use.
    const end = { sizeBytes: bytes.length, chain };
    const next = yield* ActiveSegment.at(calls, context, file, end);
    yield* rename(paths.active, sealed);
    yield* rename(paths.temporary, paths.active);
    return next;
  } catch (error) {
    const made = file;
    if (made !== undefined) yield* attempt(() => calls.of(made).close());
    if (isUnknown) throw error;
    yield* attempt(() => calls.remove(paths.temporary));
    if (yield* old.isAt(calls, sealed)) {
      // The rotation has stopped half-way.
      yield* rename(sealed, paths.active);
    }
    yield* wait(old.assertOurs(calls));
    throw failed(context, error, "start a new segment of");
  }
}
