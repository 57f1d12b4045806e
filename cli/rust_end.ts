import type { JournalContext } from "../store/segment.ts";
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
    last = lines.at(-1) ?? last;
  }
  // Neither a header nor a line that is too long is for this to judge.
  if (last === undefined || last.isEnded || last.isTooLong) return undefined;
  return last.line === 1 || isWhole(last.bytes) ? undefined : last;
}

/** Whether a line lacks only its newline, as opening sees it: what is left of the number 123 may be 12. */
export function isWhole(bytes: Uint8Array): boolean {
  const text = new TextDecoder().decode(bytes).replace(/\0+$/, "");
  try {
    return typeof JSON.parse(text) !== "number";
  } catch {
    return false;
  }
}
