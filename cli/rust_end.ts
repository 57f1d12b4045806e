import { type JournalContext, wholeLine } from "../store/internal.ts";
import { MAX_LOOKS, SECOND_LOOK_MS } from "./check.ts";
import { type RawLine, rawLines } from "./lines.ts";

/** How many bytes of an unfinished last line a journal of the Rust program ends with: opening cuts them off. */
export async function tornOfRust(context: JournalContext): Promise<number> {
  let seen: RawLine | undefined;
  // Beside a writer a line may be seen half written.
  for (let looks = 0; looks < MAX_LOOKS; looks++) {
    const end = await unfinishedLine(context);
    if (end === undefined) return 0;
    const isSame = seen?.offset === end.offset &&
      seen.sizeBytes === end.sizeBytes;
    if (isSame) return end.sizeBytes;
    seen = end;
    await new Promise((resolve) => setTimeout(resolve, SECOND_LOOK_MS));
  }
  return 0;
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
