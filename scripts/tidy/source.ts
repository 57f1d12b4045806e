/** A file's path from the root, and what is in it. */
export interface SourceFile {
  readonly path: string;
  readonly text: string;
}

/** The line, from 1, of a place in a text. */
export function lineAt(text: string, index: number): number {
  return text.slice(0, index).split("\n").length;
}
