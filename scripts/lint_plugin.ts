/** The rules of this code that are about its syntax tree; `deno lint` runs them. */

import { posix } from "node:path";
import { BREACHES } from "./breaches.ts";

/** Lines that are neither blank nor a comment alone. */
const MAX_CODE_LINES = 300;
const MAX_FILE_LINES = 600;
const MAX_FUNCTION_LINES = 70;

/**
 * What a folder may import: any file of some folders, of others what their
 * `mod.ts` exports, and of a few what their `internal.ts` names as well.
 */
interface Imports {
  readonly any?: readonly string[];
  readonly door?: readonly string[];
  readonly internal?: readonly string[];
}

const FLOOR = ["base", "fs"];

/** Every published folder, from the ground up. */
const MAY_IMPORT: Readonly<Record<string, Imports>> = {
  base: {},
  fs: { any: ["base"] },
  store: { any: FLOOR },
  snap: { any: FLOOR },
  testing: { any: FLOOR, door: ["store"] },
  state: { any: FLOOR, door: ["store", "snap"] },
  queue: { any: FLOOR, door: ["state"] },
  cli: {
    any: FLOOR,
    door: ["store", "snap", "state", "queue"],
    internal: ["store", "snap"],
  },
  "mod.ts": { door: ["store", "snap", "state", "queue"] },
};

/** The only files that may call the operating system. */
const SYSTEM_FILES = /^fs\/(deno|node|node_file|node_lock|own)\.ts$/;
const SYSTEM_MESSAGE = "only fs/ may call the operating system";

/** The only file that may ask the runtime for a checksum. */
const CHECKSUM_FILE = "base/checksum.ts";

/** The only files that may listen, and answer. */
const SERVER_FILES = /^cli\/inspect\/(server|answer)\.ts$/;

/** The only file of the command line that may touch the process. */
const PROCESS_FILE = "cli/main.ts";

const SYSTEM_MODULES = /^node:(fs|os|net|http|https|dgram|child_process)\b/;

const ROOT = decodeURIComponent(new URL("../", import.meta.url).pathname);

/** Where a file stands in the project, as `store/format/line.ts`. */
function placeOf(filename: string): string {
  const path = filename.replaceAll("\\", "/");
  // On Windows the one has a slash before the drive and the other has not.
  const start = path.indexOf(ROOT.replace(/^\/(?=[A-Za-z]:)/, ""));
  return start === -1 ? path : path.slice(start + ROOT.length);
}

/** The parts of the file system for Node that need no Node: no public name reaches them. */
const PURE_OF_NODE = /\/fs\/node_[a-z]+\.ts$/;

function isPublished(place: string): boolean {
  return place.split("/")[0]! in MAY_IMPORT;
}

function lineCount(text: string): number {
  return text.trimEnd().split("\n").length;
}

const NO_CODE = /^\s*(\/\/|\/?\*|$)/;

/** The number of lines that are neither blank nor a comment alone. */
export function codeLineCount(text: string): number {
  return text.split("\n").filter((line) => !NO_CODE.test(line)).length;
}

/** What is wrong with importing `specifier` from the file at `place`, if anything. */
export function importProblem(
  place: string,
  specifier: string,
): string | undefined {
  if (isPublished(place) && SYSTEM_MODULES.test(specifier)) {
    if (SERVER_FILES.test(place) && specifier === "node:http") return undefined;
    return SYSTEM_FILES.test(place) ? undefined : SYSTEM_MESSAGE;
  }
  if (
    isPublished(place) && specifier === "node:zlib" && place !== CHECKSUM_FILE
  ) return `only ${CHECKSUM_FILE} may import node:zlib`;
  const isOfCli = place.startsWith("cli/") && place !== PROCESS_FILE;
  if (isOfCli && specifier === "node:process") {
    return `only ${PROCESS_FILE} may touch the process`;
  }
  if (!specifier.startsWith(".")) return undefined;
  const from = place.split("/")[0]!;
  const file = posix.join(posix.dirname(place), specifier);
  const target = file.split("/")[0]!;
  if (
    from === "tests" && isPublished(`${target}/`) &&
    !PURE_OF_NODE.test(specifier)
  ) {
    return "tests import by the public names";
  }
  if (!isPublished(place) || from === target) return undefined;
  if (BREACHES.has(`${from} ${file}`)) return undefined;
  const { any = [], door = [], internal = [] } = MAY_IMPORT[from]!;
  if (any.includes(target)) return undefined;
  if (internal.includes(target) && file === `${target}/internal.ts`) {
    return undefined;
  }
  if (!door.includes(target)) return `${from} may not import ${target}`;
  return file === `${target}/mod.ts`
    ? undefined
    : `${from} may import ${target}/mod.ts, and nothing else of ${target}`;
}

const fileLength: Deno.lint.Rule = {
  create: (context) => ({
    Program(node) {
      const { text } = context.sourceCode;
      const counts = [
        [codeLineCount(text), MAX_CODE_LINES, "lines of code"],
        [lineCount(text), MAX_FILE_LINES, "lines"],
      ] as const;
      for (const [count, most, what] of counts) {
        if (count <= most) continue;
        const message = `${count} ${what}, and ${most} is the most`;
        context.report({ node, message });
      }
    },
  }),
};

const functionLength: Deno.lint.Rule = {
  create(context) {
    const check = (node: Deno.lint.Node) => {
      const lines = lineCount(context.sourceCode.getText(node));
      if (lines <= MAX_FUNCTION_LINES) return;
      const message =
        `a function of ${lines} lines, and ${MAX_FUNCTION_LINES} is the most`;
      context.report({ node, message });
    };
    return {
      FunctionDeclaration: check,
      FunctionExpression: check,
      ArrowFunctionExpression: check,
    };
  },
};

const imports: Deno.lint.Rule = {
  create(context) {
    const place = placeOf(context.filename);
    const check = (source: Deno.lint.StringLiteral | null) => {
      const message = source && importProblem(place, source.value);
      if (message) context.report({ node: source, message });
    };
    return {
      ImportDeclaration: (node) => check(node.source),
      ExportAllDeclaration: (node) => check(node.source),
      ExportNamedDeclaration: (node) => check(node.source),
    };
  },
};

const systemCalls: Deno.lint.Rule = {
  create(context) {
    const place = placeOf(context.filename);
    if (!isPublished(place) || SYSTEM_FILES.test(place)) return {};
    return {
      MemberExpression(node) {
        if (node.object.type !== "Identifier" || node.object.name !== "Deno") {
          return;
        }
        context.report({ node, message: SYSTEM_MESSAGE });
      },
    };
  },
};

const plugin: Deno.lint.Plugin = {
  name: "mini",
  rules: {
    "file-length": fileLength,
    "function-length": functionLength,
    "imports": imports,
    "system-calls": systemCalls,
  },
};

export default plugin;
