const MIB = 1024 * 1024;

/** A file system whose power is cut. */
export interface FileSystemKind {
  readonly type: "ext4" | "xfs" | "btrfs";
  readonly sizeBytes: number;
  /** The command that makes it, without the device. */
  readonly make: readonly [command: string, ...args: string[]];
  /** With what it is mounted. */
  readonly options: string;
}

const ext4 = (...args: string[]): FileSystemKind["make"] => [
  "mkfs.ext4",
  ...["-q", "-F", "-m", "0", "-J", "size=4"],
  // Otherwise the kernel still makes the file system while the program works.
  ...["-E", "lazy_itable_init=0,lazy_journal_init=0"],
  ...args,
];

/** Their names. */
export type FileSystemName =
  | "ext4"
  | "ext4 that promises little"
  | "xfs"
  | "btrfs";

/** As their makers set them, and where they promise less. */
export const FILE_SYSTEM_KINDS: Readonly<
  Record<FileSystemName, FileSystemKind>
> = {
  ext4: {
    type: "ext4",
    sizeBytes: 24 * MIB,
    make: ext4("-b", "4096"),
    options: "",
  },
  "ext4 that promises little": {
    type: "ext4",
    sizeBytes: 24 * MIB,
    make: ext4("-b", "1024"),
    options: "data=writeback,noauto_da_alloc",
  },
  xfs: {
    type: "xfs",
    sizeBytes: 320 * MIB,
    make: ["mkfs.xfs", "-q", "-f"],
    options: "",
  },
  btrfs: {
    type: "btrfs",
    sizeBytes: 128 * MIB,
    make: ["mkfs.btrfs", "-q", "-f"],
    options: "",
  },
};
