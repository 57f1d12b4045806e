import { createHash } from "node:crypto";
import { BODY, ICON } from "./html.ts";
import { CORE } from "./core.ts";
import { FILES } from "./files.ts";
import { LIST } from "./list.ts";
import { QUEUE } from "./queue.ts";
import { RULER } from "./ruler.ts";
import { SEARCH } from "./search.ts";
import { START } from "./start.ts";
import { STATE } from "./state.ts";
import { LAYOUT } from "./layout.ts";
import { STYLE } from "./style.ts";
import { TREE } from "./tree.ts";

/** The page, whole, and what a browser may do with it. */
export interface Page {
  readonly text: string;
  /** The content security policy: nothing but what is in the page, and no request but to where it came from. */
  readonly policy: string;
}

/** The script of the page, its parts in an order in which none needs a later one to begin. */
export const SCRIPT: string = [
  '"use strict";\n',
  CORE,
  TREE,
  RULER,
  LIST,
  SEARCH,
  STATE,
  FILES,
  QUEUE,
  START,
].join("");

/** Puts the page together. */
export function page(): Page {
  const style = STYLE + LAYOUT;
  const text = [
    '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">',
    '<meta name="viewport" content="width=device-width, initial-scale=1">',
    '<meta name="color-scheme" content="light dark">',
    `<title>mini inspect</title>\n<link rel="icon" href="${ICON}">`,
    `<style>${style}</style>\n</head>\n<body>${BODY}`,
    `<script type="module">${SCRIPT}</script>\n</body>\n</html>\n`,
  ].join("\n");
  const policy = [
    "default-src 'none'",
    `script-src ${hashOf(SCRIPT)}`,
    `style-src ${hashOf(style)}`,
    "connect-src 'self'",
    "img-src data:",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join("; ");
  return { text, policy };
}

function hashOf(text: string): string {
  return `'sha256-${createHash("sha256").update(text).digest("base64")}'`;
}
