import { join } from "@std/path";
import { hasCode } from "../base/errors.ts";
import type { FileSystem } from "../fs/file_system.ts";
import { absolutePath, systemFileSystem } from "../fs/system.ts";
import { replaceFile } from "../fs/atomic_file.ts";
import { Mutex } from "../base/mutex.ts";
import { assertOptions, checkCount } from "../base/checks.ts";
import { modesOf } from "../base/checks.ts";
import { type Schema, validate, validateNew } from "../base/schema.ts";
import { CodecFailure, type SnapCodec } from "../base/codec.ts";
import {
  listSnapshots,
  nameOf,
  pruneSnapshots,
  setAside,
} from "./directory.ts";
import { snapshotText } from "./envelope.ts";
import { damaged, failed } from "./errors.ts";
import { SNAP_CHECKS, type SnapOptions } from "./options.ts";
import { readRustPair } from "./rust_pair.ts";
import {
  readSnapshot,
  verifySnapshot,
  writeSnapshot,
} from "./snapshot_file.ts";
import type {
  CreateOptions,
  RejectedSnapshot,
  SnapshotInfo,
  StoredSnapshot,
} from "./snapshots.ts";
import { SNAPSHOT } from "./telemetry.ts";

/**
 * Atomic snapshots of a state, one file each, in JSON that a person can read.
 *
 * A snapshot is complete and durable, or does not exist. They are made one at a
 * time; the directory belongs to one program.
 *
 * @typeParam S The state.
 *
 * @example Create and restore
 * ```ts
 * import { SnapStore } from "@mini/state/snap";
 * import { assertEquals } from "@std/assert";
 *
 * const snaps = new SnapStore<{ value: number }>(await Deno.makeTempDir());
 * await snaps.create({ value: 42 }, 7);
 * const restored = await snaps.restore();
 * assertEquals([restored?.state.value, restored?.seq], [42, 7]);
 * ```
 */
export class SnapStore<S> {
  /** The directory, absolute. */
  readonly dir: string;
  readonly #fs: FileSystem;
  readonly #keep: number;
  readonly #codec: SnapCodec<S> | undefined;
  readonly #schema: Schema<S> | undefined;
  readonly #modes: ReturnType<typeof modesOf>;
  readonly #like: string | undefined;
  readonly #readOnly: boolean;
  readonly #mutex = new Mutex();
  readonly #rejected: RejectedSnapshot[] = [];

  /**
   * Touches nothing yet: the first snapshot creates the directory.
   *
   * @param dir Where the snapshots are.
   * @param options How they are kept.
   */
  constructor(dir: string | URL, options: SnapOptions<S> = {}) {
    assertOptions("SnapStore", options, SNAP_CHECKS);
    const {
      keep = 2,
      codec,
      schema,
      like,
      readOnly = false,
      fs = systemFileSystem,
    } = options;
    this.#modes = modesOf(options);
    this.#like = like;
    this.#readOnly = readOnly;
    if (dir === "") {
      throw new TypeError("Cannot keep snapshots: the path is empty");
    }
    this.dir = absolutePath(dir);
    this.#fs = fs;
    this.#keep = keep;
    this.#codec = codec;
    this.#schema = schema;
  }

  /**
   * Makes a snapshot: writes it under a temporary name, syncs it, reads it back,
   * renames it, and syncs the directory. Then removes the oldest snapshots beyond
   * `keep`, but none that is `needed`, and never this one, even if its number is
   * the lowest. If that fails,
   * the snapshot was made all the same.
   *
   * The state is encoded before the promise is returned, so that later changes
   * to it have no effect. Only the parts that a codec gives are read later, after
   * the snapshots that were begun before; what they are made from must not change
   * until the promise has settled, either way.
   *
   * @param state The state.
   * @param seq The sequence number that it stands at.
   * @param options What else the snapshot says, and whether the state is encoded
   * piece by piece.
   * @returns The snapshot.
   * @throws {TypeError} With `readOnly`; nothing was written.
   * @throws {MiniError} `UNSERIALIZABLE` and `TOO_LARGE`, before the disk is
   * touched, unless the state is encoded while the file is written; `INVALID` if
   * the schema refuses the state; `CORRUPT` if it reads back differently;
   * `NO_SPACE`, `PERMISSION` and `IO` as the system says. No snapshot was made,
   * and the existing ones are unchanged. Only if the directory could not be
   * synced does the snapshot exist, and a power cut may undo it; the message says
   * so. An error of the codec is thrown as it is.
   */
  // deno-lint-ignore require-await -- what is thrown must reject
  async create(
    state: S,
    seq: number,
    { onCaptured, needed = [], ...meta }: CreateOptions = {},
  ): Promise<Required<SnapshotInfo>> {
    this.#assertWritable();
    checkCount("seq", seq, 0);
    const valid = validateNew(this.#schema, state, "create the snapshot", seq);
    const isLazy = onCaptured !== undefined;
    const pieces = snapshotText({ ...meta, seq }, valid, this.#codec, isLazy);
    const text = isLazy ? telling(pieces, onCaptured) : pieces;
    const path = join(this.dir, nameOf(seq));
    const { logId } = meta;
    return SNAPSHOT.run(
      () => ({ path: this.dir, ...(logId !== undefined && { logId }), seq }),
      () => this.#create({ path, seq, needed }, text),
      (message, { sizeBytes }) => {
        message.sizeBytes = sizeBytes;
      },
    );
  }

  #create(
    { path, seq, needed }: {
      readonly path: string;
      readonly seq: number;
      readonly needed: readonly number[];
    },
    text: Iterable<string> | AsyncIterable<string>,
  ): Promise<Required<SnapshotInfo>> {
    return this.#run(`create "${path}"`, path, async () => {
      const sizeBytes = await this.#place(path, text);
      await this.#syncNameOf(path);
      await pruneSnapshots(this.#fs, this.dir, this.#keep, [...needed, seq])
        .catch(() => []);
      return { path, seq, sizeBytes };
    });
  }

  /**
   * Encodes a state as {@linkcode SnapStore.create} does, and writes nothing.
   *
   * @throws {MiniError} As {@linkcode SnapStore.create} does for a state of which
   * no snapshot can be made.
   */
  async rehearse(state: S): Promise<void> {
    const valid = validateNew(this.#schema, state, "create a snapshot");
    const pieces = snapshotText({ seq: 0 }, valid, this.#codec, true);
    await this.#run(
      `create a snapshot in "${this.dir}"`,
      this.dir,
      async () => {
        for await (const _ of pieces);
      },
    );
  }

  async #place(
    path: string,
    text: Iterable<string> | AsyncIterable<string>,
  ): Promise<number> {
    let sizeBytes = 0;
    const fs = this.#fs;
    await fs.createDirectory(this.dir, this.#modes.directoryMode);
    const temporary = `${path}.tmp`;
    const like = this.#like ?? path;
    const file = await replaceFile(
      { fs, directory: this.dir, temporary, like, ...this.#modes },
      path,
      async (file) => {
        sizeBytes = await writeSnapshot(file, text);
      },
      () => verifySnapshot(fs, temporary),
    );
    // It is synced and has its name: an error of the handle changes nothing.
    await file.close().catch(() => {});
    return sizeBytes;
  }

  async #syncNameOf(path: string): Promise<void> {
    try {
      await this.#fs.syncDirectory(this.dir);
    } catch (error) {
      throw failed(error, `create "${path}"`, path, {
        after:
          "it exists, but a power cut may undo that; those of other numbers are unchanged",
      });
    }
  }

  /**
   * Restores the newest intact snapshot. Newer ones that are damaged are renamed
   * to `….json.bad`, never removed, and reported.
   *
   * Also restores the files of the Rust crate `minisnap`, which have no checksum:
   * `snapshot_….json`, and the older pair `snapshot.json` and `snapshot.seq`.
   *
   * @param upTo The highest sequence number to restore.
   * @returns The state, what the snapshot says about it, and the newer ones that
   * were damaged; `undefined` if there is no intact snapshot.
   * @throws {MiniError} `UNSUPPORTED_FORMAT` for a snapshot of a newer version,
   * and for one in parts without a codec; `CORRUPT` for a damaged pair of the
   * Rust crate, `UNSERIALIZABLE` for an integer in it that JavaScript has no
   * number for; `INVALID` if the schema refuses the state; `PERMISSION` and `IO`
   * as the system says. An error of the codec is thrown as it is.
   *
   * @example Fall back if the newest is damaged
   * ```ts
   * import { SnapStore } from "@mini/state/snap";
   * import { assertEquals } from "@std/assert";
   * import { writeFile } from "node:fs/promises";
   *
   * const snaps = new SnapStore<string>(await Deno.makeTempDir());
   * await snaps.create("older", 1);
   * const { path } = await snaps.create("newer", 2);
   * await writeFile(path, "not a snapshot any more");
   *
   * const restored = await snaps.restore();
   * assertEquals([restored?.state, restored?.seq], ["older", 1]);
   * assertEquals(restored?.rejected.map(({ path }) => path), [`${path}.bad`]);
   * ```
   */
  async restore(
    upTo: number = Infinity,
  ): Promise<
    | StoredSnapshot<S> & { readonly rejected: readonly RejectedSnapshot[] }
    | undefined
  > {
    const rejected: RejectedSnapshot[] = [];
    const found = await this.#run(
      `restore from "${this.dir}"`,
      this.dir,
      () => this.#restore(upTo, rejected),
    );
    if (found === undefined) return undefined;
    const { seq } = found;
    const doing = "restore the snapshot";
    const state = validate(this.#schema, found.state, doing, seq);
    return { ...found, state, rejected };
  }

  async #restore(
    upTo: number,
    rejected: RejectedSnapshot[],
  ): Promise<StoredSnapshot<S> | undefined> {
    let snapshots = await listSnapshots(this.#fs, this.dir);
    for (let found; (found = snapshots.pop()) !== undefined;) {
      const { path, seq } = found;
      if (seq > upTo) continue;
      const restored = await this.#tryRestore(path, seq, rejected);
      if (restored === "gone") {
        // Newer ones have taken its place.
        snapshots = await listSnapshots(this.#fs, this.dir);
      } else if (restored !== undefined) return restored;
    }
    const pair = await readRustPair(this.#fs, this.dir, this.#codec);
    return pair !== undefined && pair.seq <= upTo ? pair : undefined;
  }

  async #tryRestore(
    path: string,
    seq: number,
    rejected: RejectedSnapshot[],
  ): Promise<StoredSnapshot<S> | "gone" | undefined> {
    try {
      const found = await readSnapshot(this.#fs, path, this.#codec);
      if (found.seq !== seq) {
        throw damaged(
          path,
          `its name does not match its content, which is of record ${found.seq}`,
        );
      }
      return found;
    } catch (error) {
      if (this.#readOnly && await this.#fs.stat(path) === undefined) {
        return "gone";
      }
      if (!hasCode(error, "CORRUPT")) {
        throw error;
      }
      const found = {
        path: this.#readOnly ? path : await setAside(this.#fs, this.dir, path),
        error,
      };
      rejected.push(found);
      const isKnown = this.#rejected.some(({ path }) => path === found.path);
      if (!isKnown) this.#rejected.push(found);
      return undefined;
    }
  }

  /** The damaged snapshots that {@linkcode SnapStore.restore} has passed over so far: where each is now, and what is wrong with it. */
  get rejected(): readonly RejectedSnapshot[] {
    return this.#rejected;
  }

  /**
   * Lists the snapshots, oldest first, intact or not.
   *
   * @throws {MiniError} `PERMISSION` and `IO` as the system says.
   */
  list(): Promise<Required<SnapshotInfo>[]> {
    return this.#run(
      `list "${this.dir}"`,
      this.dir,
      () => listSnapshots(this.#fs, this.dir),
    );
  }

  /**
   * Removes the oldest snapshots beyond `keep`, and the remains of unfinished ones.
   *
   * @param keep The number of snapshots to keep.
   * @returns Those that were removed, oldest first.
   * @throws {TypeError} With `readOnly`; nothing was removed.
   * @throws {MiniError} `PERMISSION` and `IO` as the system says.
   */
  // deno-lint-ignore require-await -- what is thrown must reject
  async prune(keep: number = this.#keep): Promise<Required<SnapshotInfo>[]> {
    this.#assertWritable();
    checkCount("keep", keep);
    return this.#run(
      `prune "${this.dir}"`,
      this.dir,
      () => pruneSnapshots(this.#fs, this.dir, keep),
      "those that were not removed are unchanged",
    );
  }

  #assertWritable(): void {
    if (!this.#readOnly) return;
    throw new TypeError(
      `Cannot change the snapshots in "${this.dir}": they are open with readOnly`,
    );
  }

  /** Runs a task after all earlier ones, and gives an error of the system its code. */
  #run<T>(
    doing: string,
    path: string,
    task: () => Promise<T>,
    after?: string,
  ): Promise<T> {
    return this.#mutex.run(async () => {
      try {
        return await task();
      } catch (error) {
        if (error instanceof CodecFailure) throw error.cause;
        throw failed(error, doing, path, { directory: this.dir, after });
      }
    });
  }
}

/** Yields the pieces, and then reports that the last one was read. */
async function* telling(
  pieces: Iterable<string> | AsyncIterable<string>,
  onCaptured: () => void,
): AsyncGenerator<string, void, undefined> {
  yield* pieces;
  onCaptured();
}
