import {
  aBoolean,
  aFileSystem,
  aMode,
  aName,
  aSchema,
  type Checks,
  countFrom,
  having,
} from "../base/checks.ts";
import type { FileSystem } from "../fs/file_system.ts";
import type { Schema } from "../base/schema.ts";
import type { SnapCodec } from "../base/codec.ts";

/**
 * How snapshots are kept.
 *
 * @example Keep three
 * ```ts
 * import { SnapStore } from "@mini/state/snap";
 * import { assertEquals } from "@std/assert";
 *
 * const snaps = new SnapStore<string>(await Deno.makeTempDir(), { keep: 3 });
 * for (const seq of [1, 2, 3, 4]) await snaps.create(`state ${seq}`, seq);
 * assertEquals((await snaps.list()).map(({ seq }) => seq), [2, 3, 4]);
 * ```
 */
export interface SnapOptions<S> {
  /** The number of snapshots to keep, the newest by sequence number. Older ones are removed once a new one is durable. @default {2} */
  keep?: number;
  /** To and from plain JSON. @default {the state is plain JSON} */
  codec?: SnapCodec<S>;
  /** A validator of states, used by `create` and `restore`. It must be synchronous, and accept its own output unchanged; otherwise `create` is `INVALID`. */
  schema?: Schema<S>;
  /** The permissions of new files, if there is no file that they are `like`. @default {0o600} */
  mode?: number;
  /** The permissions of the directory, if it is created. @default {those of new files, with x where they have r} */
  directoryMode?: number;
  /** A file whose owner, group and mode new snapshots get, such as the journal that they belong to. @default {the snapshot that is replaced} */
  like?: string;
  /** Whether they are only read, beside the program that makes them: nothing is written, renamed or removed, and a damaged one stays where it is. @default {false} */
  readOnly?: boolean;
  /** The seam to the operating system. @default {systemFileSystem} */
  fs?: FileSystem;
}

/** The check of each option. */
export const SNAP_CHECKS: Checks<SnapOptions<unknown>> = {
  keep: countFrom(1),
  codec: having("encode", "decode"),
  schema: aSchema,
  mode: aMode,
  directoryMode: aMode,
  like: aName,
  readOnly: aBoolean,
  fs: aFileSystem,
};
