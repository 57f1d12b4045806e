import type { FileStat } from "../file_system.ts";
import type { Eventual } from "./steps.ts";

/** The calls of an open file that give promises, or those that return when they are done. */
export interface FileCalls {
  write(bytes: Uint8Array<ArrayBuffer>): Eventual<void>;
  sync(): Eventual<void>;
  truncate(sizeBytes: number): Eventual<void>;
  stat(): Eventual<FileStat>;
  own?(like: FileStat): Eventual<void>;
  close(): Eventual<void>;
}
