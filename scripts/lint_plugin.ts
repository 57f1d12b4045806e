/** The rules of this code that are about its syntax tree; `deno lint` runs them. */

import { posix } from "node:path";
import { BREACHES, FILE_BREACHES } from "./breaches.ts";

/** Lines that are neither blank nor a comment alone. */
const MAX_CODE_LINES = 300;
const MAX_FILE_LINES = 750;
const MAX_FUNCTION_LINES = 70;
const MAX_TEMPLATE_LINES = 40;

/**
 * The imports that a folder may have: any file of some folders, of others only
 * `mod.ts`, and of a few `internal.ts` as well.
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
  admin: {
    any: FLOOR,
    door: ["store", "snap", "state", "queue"],
    internal: ["store", "snap", "state", "queue"],
  },
  inspect: {
    any: FLOOR,
    door: ["store", "snap", "state", "queue", "admin"],
    internal: ["admin"],
  },
  otel: { any: ["base"], door: ["store", "snap", "state", "queue"] },
  jetstream: {
    any: FLOOR,
    door: ["store", "snap", "state", "queue"],
    internal: ["queue"],
  },
  cli: {
    any: FLOOR,
    door: ["store", "snap", "state", "queue", "admin", "inspect"],
    internal: ["admin"],
  },
  prometheus: { door: ["store", "state", "queue"] },
  "mod.ts": { door: ["store", "snap", "state", "queue"] },
};

/** The only files that may call the operating system. */
const SYSTEM_FILES =
  /^fs\/(deno|node|node_file|node_lock|runtime\/(free|own)|system)\.ts$/;
const SYSTEM_MESSAGE = "only fs/ may call the operating system";

/** The client of NATS, which only one folder may load: nobody else needs it. */
const NATS_CLIENT = /^(npm:)?@nats-io\//;

/** The only file that may ask the runtime for a checksum. */
const CHECKSUM_FILE = "base/checksum.ts";

/** The only file that may listen, and answer. */
const SERVER_FILE = "cli/inspect_server.ts";

/** The only file that may touch the process, but for `fs/`. */
const PROCESS_FILE = "cli/main.ts";

/** The only files that may set a timer: clocks, and looks beside a writer. */
const TIMER_FILES =
  /^(base\/deadline|queue\/clock|store\/read\/lookout|snap\/snapshot_file|inspect\/page\/parts\/timer)\.ts$/;
const TIMERS = /^(setTimeout|setInterval|setImmediate|timeout)$/;

/** The only files that may keep data about objects that they do not own. */
const INDEX_FILES =
  /^(queue\/(open|ledger\/(effects|kept|(ready|dedupe)_index))|base\/abort)\.ts$/;

/** The only files that may name ENOENT: those that test for it, and the one that throws it. */
const MISSING_FILES =
  /^(fs\/[\w/]+|testing\/(memory_disk|rules\/\w+)|jetstream\/snapshots\/files)\.ts$/;

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
const PURE_OF_NODE = /\/fs\/(node_claim|runtime\/errno)\.ts$/;

/** The folders that are published, from the ground up. */
export const PUBLISHED: readonly string[] = Object.keys(MAY_IMPORT)
  .filter((name) => name !== "mod.ts");

export function isPublished(place: string): boolean {
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

/** The problem with importing `specifier` from the file at `place`, if there is one. */
export function importProblem(
  place: string,
  specifier: string,
): string | undefined {
  if (
    NATS_CLIENT.test(specifier) && isPublished(place) &&
    !place.startsWith("jetstream/")
  ) return "only jetstream/ may load the client of NATS";
  if (!isPublished(place) || !specifier.startsWith("node:")) {
    return pathProblem(place, specifier);
  }
  return BREACHES.has(`${place} ${specifier}`)
    ? undefined
    : moduleProblem(place, specifier);
}

function moduleProblem(place: string, module: string): string | undefined {
  if (SYSTEM_MODULES.test(module) && !SYSTEM_FILES.test(place)) {
    const isServer = place === SERVER_FILE && module === "node:http";
    return isServer ? undefined : SYSTEM_MESSAGE;
  }
  if (module === "node:zlib" && place !== CHECKSUM_FILE) {
    return `only ${CHECKSUM_FILE} may import node:zlib`;
  }
  const mayTouchProcess = place === PROCESS_FILE || SYSTEM_FILES.test(place);
  return module === "node:process" && !mayTouchProcess
    ? `only ${PROCESS_FILE} may touch the process`
    : undefined;
}

function pathProblem(place: string, specifier: string): string | undefined {
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
    const check = (source: Deno.lint.Node | null) => {
      if (source?.type !== "Literal" || typeof source.value !== "string") {
        return;
      }
      const message = importProblem(place, source.value);
      if (message) context.report({ node: source, message });
    };
    return {
      ImportDeclaration: (node) => check(node.source),
      ExportAllDeclaration: (node) => check(node.source),
      ExportNamedDeclaration: (node) => check(node.source),
      ImportExpression: (node) => check(node.source),
    };
  },
};

/** A rule for the published folders, but for the files that `free` matches. */
function except(
  free: RegExp,
  visitor: (
    report: (node: Deno.lint.Node, message: string) => void,
    source: Deno.lint.SourceCode,
  ) => Deno.lint.LintVisitor,
): Deno.lint.Rule {
  return {
    create(context) {
      const place = placeOf(context.filename);
      if (!isPublished(place) || free.test(place)) return {};
      return visitor(
        (node, message) => context.report({ node, message }),
        context.sourceCode,
      );
    },
  };
}

const systemCalls = except(SYSTEM_FILES, (report) => ({
  MemberExpression(node) {
    const { object } = node;
    const isSystem = object.type === "Identifier" && object.name === "Deno";
    if (isSystem) report(node, SYSTEM_MESSAGE);
  },
}));

/** Functions that Node 20 lacks. JSR serves the code to Node as it stands here, with no more than its types removed. */
const NEWER_THAN_NODE_20 = /^(Promise\.(withResolvers|try)|Array\.fromAsync)$/;

/** The only file of which Node calls nothing. */
const DENO_FILE = /^fs\/deno\.ts$/;

const nodeSyntax = except(DENO_FILE, (report, source) => ({
  VariableDeclaration(node) {
    if (node.kind.endsWith("using")) report(node, "Node 20 has no `using`");
  },
  MemberExpression(node) {
    const name = source.getText(node);
    if (NEWER_THAN_NODE_20.test(name)) report(node, `Node 20 has no ${name}`);
  },
}));

const moduleState = except(INDEX_FILES, (report, source) => ({
  NewExpression(node) {
    const { callee } = node;
    if (callee.type !== "Identifier") return;
    if (
      !/^(Weak)?Map$/.test(callee.name) ||
      source.getAncestors(node).some(isLater)
    ) {
      return;
    }
    report(
      node,
      `a module may not keep a ${callee.name}: give it to an object`,
    );
  },
}));

/** Whether a node delays the evaluation of its content to a call, or to `new`. */
function isLater(node: Deno.lint.Node): boolean {
  return /Function/.test(node.type) ||
    node.type === "PropertyDefinition" && !node.static;
}

const missing = except(MISSING_FILES, (report) => ({
  Literal(node) {
    if (node.value !== "ENOENT") return;
    report(node, "only fs/ may test for ENOENT: use fs/directory.ts");
  },
}));

const timers = except(TIMER_FILES, (report) => ({
  CallExpression(node) {
    const { callee } = node;
    const called = callee.type === "MemberExpression"
      ? callee.property
      : callee;
    if (called.type !== "Identifier" || !TIMERS.test(called.name)) return;
    report(node, "only a clock may set a timer: wait for an event");
  },
}));

const longText = except(/\.gen\.ts$/, (report) => ({
  TemplateLiteral(node) {
    const lines = node.quasis.reduce(
      (sum, { raw }) => sum + raw.split("\n").length - 1,
      1,
    );
    if (lines <= MAX_TEMPLATE_LINES) return;
    const most = `${MAX_TEMPLATE_LINES} is the most`;
    report(node, `a template of ${lines} lines, and ${most}`);
  },
}));

/** Every rule, without exceptions for known breaches. */
export const RULES: Readonly<Record<string, Deno.lint.Rule>> = {
  "file-length": fileLength,
  "function-length": functionLength,
  "imports": imports,
  "system-calls": systemCalls,
  "node-syntax": nodeSyntax,
  "module-state": moduleState,
  "missing-files": missing,
  "timers": timers,
  "long-text": longText,
};

const plugin: Deno.lint.Plugin = {
  name: "mini",
  rules: Object.fromEntries(
    Object.entries(RULES).map(([name, rule]) => [name, tolerant(name, rule)]),
  ),
};

/** The same rule, but for the files that are known to break it. */
function tolerant(name: string, rule: Deno.lint.Rule): Deno.lint.Rule {
  const known = FILE_BREACHES[name] ?? [];
  return {
    create: (context) =>
      known.includes(placeOf(context.filename)) ? {} : rule.create(context),
  };
}

export default plugin;
