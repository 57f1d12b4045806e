/** A mutation that breaks nothing: no test can notice it. */
export interface Explained {
  readonly file: string;
  /** The text that the mutation changes, which stands once in the file. */
  readonly old: string;
  readonly what: string;
  readonly why: string;
}

export const EXPLAINED: readonly Explained[] = [
  ...["drop call", "drop await"].map((what) => ({
    file: "snap/directory.ts",
    old: "await fs.syncDirectory(dir).catch(() => {})",
    what,
    why: "after a power cut the snapshot is set aside again",
  })),
];
