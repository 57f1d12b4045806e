import type { Finding } from "../finding.ts";
import type { Renumbered } from "../journal_builder.ts";
import type { LinePlace } from "./records.ts";

/** The result of `salvage`. */
export interface SalvageReport extends CopiedRecords {
  /** The path of the original log. */
  readonly from: string;
  /** That of the new one. */
  readonly to: string;
  /** Whether the original is in the format of this package, or in that of the Rust crate. */
  readonly format: "mini" | "ministore";
  /** The snapshot that the rescued state or queue begins with; `null` if there is none, and for a log. */
  readonly snapshot: { readonly path: string; readonly seq: number } | null;
  /** The newer snapshots that are of no use. */
  readonly passedOver: readonly PassedOver[];
  /** The consumers whose positions were left out: they begin again in the copy. */
  readonly consumers: readonly string[];
  /** How many files in the inbox of a queue were left out: the original will take them in. */
  readonly posted: number;
  /** Whether any file of the log is there. */
  readonly hasLog: boolean;
  /** The losses at the end of the log, as `verify` finds them. */
  readonly findings: readonly Finding[];
  /** The record of the newest snapshot that is ahead of the log; `null` if none is. */
  readonly snapshotAhead: number | null;
  /** Whether a state or a queue can open the copy. */
  readonly opens: boolean;
}

/** The records that were copied, and the lines that were not. */
export interface CopiedRecords {
  /** How many records the new log has. */
  readonly records: number;
  /** Where its records were in the original. */
  readonly ranges: readonly Renumbered[];
  /** Numbers between records that were read, which nothing has. */
  readonly gaps: readonly { readonly from: number; readonly to: number }[];
  /** Records that look whole, and that no checksum vouches for. */
  readonly unverified: readonly Renumbered[];
  /** How many lines, or unreadable parts of the disk, were left out. */
  readonly damages: number;
  /** The first 100 of them, in order. */
  readonly damaged: readonly LeftOutLine[];
}

/** A line that was left out, or several blank ones that follow each other. */
export interface LeftOutLine extends LinePlace {
  /** The reason, in words. */
  readonly reason: string;
  /** How many lines they are, if more than one. */
  readonly lines?: number;
}

/** A snapshot that is of no use. */
export interface PassedOver {
  /** The file. */
  readonly path: string;
  /** The reason, in words. */
  readonly reason: string;
}
