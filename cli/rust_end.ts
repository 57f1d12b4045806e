import {
  type JournalContext,
  SECOND_LOOK_MS,
  untilStable,
  wholeLine,
} from "../store/internal.ts";
import { type RawLine, rawLines } from "./lines.ts";

/** The number of bytes of an unfinished last line that opening cuts off a journal of the Rust program. */
export async function tornOfRust(context: JournalContext): Promise<number> {
  type Seen = { readonly end: RawLine | undefined; readonly isSame: boolean };
  // Beside a writer a line may be seen half written.
  const { end, isSame } = await untilStable(async (seen?: Seen) => {
    const end = await unfinishedLine(context);
    const isSame = end?.offset === seen?.end?.offset &&
      end?.sizeBytes === seen?.end?.sizeBytes;
    const isStable = end === undefined || isSame;
    return { value: { end, isSame }, isStable };
  }, SECOND_LOOK_MS);
  return isSame ? end?.sizeBytes ?? 0 : 0;
}

async function unfinishedLine(
  { fs, paths, maxRecordBytes }: JournalContext,
): Promise<RawLine | undefined> {
  let last: RawLine | undefined;
  for await (const lines of rawLines(fs, paths.active, maxRecordBytes)) {
    for (const line of lines) last = line;
  }
  // Neither a header nor a line that is too long is for this to judge.
  if (last === undefined || last.isEnded || last.isTooLong) return undefined;
  return last.line === 1 || isWholeLine(last.bytes) ? undefined : last;
}

/** Whether a last line that has no newline is whole, as opening sees it. */
export function isWholeLine(bytes: Uint8Array): boolean {
  try {
    return wholeLine(bytes) !== undefined;
  } catch {
    // It is JSON that opening refuses, and does not cut.
    return true;
  }
}
