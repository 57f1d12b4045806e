import { MemoryFileSystem } from "@mini/state/testing";
import type { FileHandle, FileLock, FileStat } from "@mini/state/store";

/** How a file system takes the spelling of names. */
export interface Spelling {
  readonly what: string;
  /** Equal for names that are one. */
  readonly fold: (name: string) => string;
  /** The name that a new file gets. */
  readonly stored: (name: string) => string;
  /** Two spellings of one stem. */
  readonly two: readonly [string, string];
}

const asItIs = (name: string) => name;
const E_ACUTE = "caf\u00e9";

/** The spellings of macOS, Windows and Linux. */
export const SPELLINGS: readonly Spelling[] = [
  {
    what: "case",
    fold: (name) => name.toLowerCase(),
    stored: asItIs,
    two: ["Journal", "journal"],
  },
  {
    what: "Unicode form",
    fold: (name) => name.normalize("NFC"),
    stored: asItIs,
    two: [E_ACUTE, E_ACUTE.normalize("NFD")],
  },
  {
    what: "Unicode form, and decomposes it",
    fold: (name) => name.normalize("NFD"),
    stored: (name) => name.normalize("NFD"),
    two: [E_ACUTE, E_ACUTE.normalize("NFD")],
  },
  {
    what: "lone surrogates",
    fold: (name) => name.toWellFormed(),
    stored: (name) => name.toWellFormed(),
    two: ["\ud800x", "\ud801x"],
  },
];

/** A file system that takes several spellings for one name. */
export class SpellingFileSystem extends MemoryFileSystem {
  readonly #spelling: Spelling;
  readonly #isTelling: boolean;

  /** One that is telling says which files are the same. */
  constructor(
    spelling: Spelling,
    { isTelling = true }: { isTelling?: boolean } = {},
  ) {
    super();
    this.#spelling = spelling;
    this.#isTelling = isTelling;
  }

  #at(path: string): string {
    const { fold, stored } = this.#spelling;
    const slash = path.lastIndexOf("/");
    const [directory, name] = [path.slice(0, slash), path.slice(slash + 1)];
    const there = this.names(directory)
      .find((other) => fold(other) === fold(name));
    return `${directory}/${there ?? stored(name)}`;
  }

  #told<S extends FileStat | undefined>(found: S): S {
    return found && !this.#isTelling ? { ...found, identity: "" } : found;
  }

  async #handle(opened: Promise<FileHandle>): Promise<FileHandle> {
    const file = await opened;
    return { ...file, stat: async () => this.#told(await file.stat()) };
  }

  override open(path: string, access: "read" | "append"): Promise<FileHandle> {
    return this.#handle(super.open(this.#at(path), access));
  }
  override create(path: string, mode: number): Promise<FileHandle> {
    return this.#handle(super.create(this.#at(path), mode));
  }
  override async stat(path: string): Promise<FileStat | undefined> {
    return this.#told(await super.stat(this.#at(path)));
  }
  override rename(from: string, to: string): Promise<void> {
    return super.rename(this.#at(from), this.#at(to));
  }
  override remove(path: string): Promise<void> {
    return super.remove(this.#at(path));
  }
  override lock(
    path: string,
    mode: number,
    note: string,
  ): Promise<FileLock | undefined> {
    return super.lock(this.#at(path), mode, note);
  }
}
