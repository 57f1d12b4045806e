import { assert, assertEquals } from "@std/assert";
import { copy } from "@std/fs";
import { fromFileUrl } from "@std/path";
import {
  type FileSystem,
  MiniStore,
  systemFileSystem,
} from "@mini/state/store";
import { TestDirectory } from "../support/dir.ts";

const RUST = fromFileUrl(new URL("../fixtures/mini-rs/state", import.meta.url));

/** A folder of the Rust program that gets its name before look `moment` at the file system. */
class LateFolder {
  readonly #directory = new TestDirectory();
  readonly #moment: number;
  readonly path = `${this.#directory.at("state")}/counter.wal.jsonl`;
  #looks = 0;

  constructor(moment: number) {
    this.#moment = moment;
  }

  get isThere(): boolean {
    return this.#looks >= this.#moment;
  }

  async fs(): Promise<FileSystem> {
    await copy(RUST, this.#directory.at("copy"));
    return {
      ...systemFileSystem,
      list: (path) => this.#look().then(() => systemFileSystem.list(path)),
      stat: (path) => this.#look().then(() => systemFileSystem.stat(path)),
      open: (path, access) =>
        this.#look().then(() => systemFileSystem.open(path, access)),
    };
  }

  async #look(): Promise<void> {
    if (++this.#looks !== this.#moment) return;
    await Deno.rename(
      this.#directory.at("copy"),
      this.#directory.at("state"),
    );
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#directory[Symbol.asyncDispose]();
  }
}

Deno.test("MiniStore.replay() reads nothing or all of a journal of the Rust program that comes between two looks", async () => {
  for (let moment = 1;; moment++) {
    await using folder = new LateFolder(moment);
    const fs = await folder.fs();
    const read = Array.fromAsync(MiniStore.replay(folder.path, { fs }));
    const seen = await read.then(({ length }) => length, ({ code }) => code);
    assert([10, "NOT_FOUND"].includes(seen), `${moment}: ${seen}`);
    if (!folder.isThere) break;
  }
});

Deno.test("MiniStore.openReader() sees nothing or all of a journal of the Rust program that comes between two looks", async () => {
  for (let moment = 1;; moment++) {
    await using folder = new LateFolder(moment);
    const options = { fs: await folder.fs(), ifMissing: "empty" } as const;
    await using reader = await MiniStore.openReader(folder.path, options);
    assert([0, 10].includes(reader.sequence), `${moment}: ${reader.sequence}`);
    if (!folder.isThere) break;
    await reader.refresh!();
    assertEquals(reader.sequence, 10);
  }
});
