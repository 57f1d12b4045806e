import type { MiniError } from "../base/errors.ts";

/** Snapshots for reading. */
export interface SnapshotReader<S> {
  /** Restores the newest intact snapshot at or below `upTo`; resolves to `undefined` if there is none. */
  restore(upTo?: number): Promise<StoredSnapshot<S> | undefined>;
  /** Lists the snapshots, oldest first, intact or not. */
  list(): Promise<SnapshotInfo[]>;
  /** The damaged snapshots that `restore` has passed over so far. */
  readonly rejected?: readonly RejectedSnapshot[];
}

/** Snapshots for one writer. `SnapStore` is one; snapshots kept elsewhere are another. */
export interface Snapshots<S> extends SnapshotReader<S> {
  /** Makes a snapshot, durably. The state must not change until `onCaptured` is called or the promise settles. */
  create(state: S, seq: number, options?: CreateOptions): Promise<SnapshotInfo>;
  /** Encodes a state as `create` does, and writes nothing: rejects if no snapshot can be made of it. Without it, only `create` tells. */
  rehearse?(state: S): Promise<void>;
}

/** How a snapshot is made. */
export interface CreateOptions {
  /** The id of the log that it belongs to. */
  readonly logId?: string;
  /** The version of the code that made the state. */
  readonly version?: number;
  /**
   * The numbers of older snapshots that must stay: a past that is to be kept
   * needs them. Whatever else is removed is up to the snapshots.
   */
  readonly needed?: readonly number[];
  /**
   * Called when the state has been captured, and may change again. Given this,
   * JSON is made piece by piece while the file is written, so that other work
   * has its turn meanwhile; the state must not change until then, or until the
   * promise has settled, whichever comes first.
   */
  readonly onCaptured?: () => void;
}

/** A state, and what its snapshot says about it. */
export interface StoredSnapshot<S> {
  /** The state. */
  readonly state: S;
  /** The sequence number that the state stands at. */
  readonly seq: number;
  /** The id of the log that it belongs to. */
  readonly logId?: string;
  /** The version of the code that made the state. */
  readonly version?: number;
}

/** A snapshot that is stored. */
export interface SnapshotInfo {
  /** The sequence number that its state stands at. */
  readonly seq: number;
  /** Its size in bytes. */
  readonly sizeBytes: number;
  /** Its file, where snapshots are files. */
  readonly path?: string;
}

/** A snapshot that was set aside because it is damaged. */
export interface RejectedSnapshot {
  /** Where it is now; its old name where it could not be renamed. */
  readonly path: string;
  /** Its damage. */
  readonly error: MiniError;
}
