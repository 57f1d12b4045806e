/** Finds the small changes that a machine can make to a source. */
import ts from "typescript";

/** A change of one place in a file. */
export interface Mutation {
  readonly file: string;
  /** The line where it begins, from 1. */
  readonly line: number;
  /** The text of that line, without its indentation. */
  readonly at: string;
  /** For a reader: `drop await`, `=== to !==`. */
  readonly what: string;
  readonly start: number;
  readonly end: number;
  /** The text between them. */
  readonly old: string;
  /** The text that takes its place. */
  readonly text: string;
  /** Of `<`, `<=`, `>` and `>=`: where the operand before it ends, and the one behind it begins. */
  readonly operands?: readonly [
    operator: "<" | "<=" | ">" | ">=",
    leftEnd: number,
    rightStart: number,
  ];
}

const COMPARISONS: Readonly<Record<string, string>> = {
  "<": "<=",
  "<=": "<",
  ">": ">=",
  ">=": ">",
  "===": "!==",
  "!==": "===",
};

/** Every mutation of a source, in order, but where the source says that no test can reach it. */
export function mutationsIn(file: string, source: string): Mutation[] {
  if (source.startsWith("// deno-coverage-ignore-file ")) return [];
  const tree = ts.createSourceFile(file, source, ts.ScriptTarget.Latest, true);
  const lines = source.split("\n");
  const found: Mutation[] = [];
  let isIgnored = false;
  const visit = (node: ts.Node): void => {
    const mark = markBefore(node, source);
    isIgnored = mark === "-start" || isIgnored && mark !== "-stop";
    if (isIgnored || mark === "" || isType(node)) return;
    const change = dropped(node) ?? flipped(node) ?? negated(node);
    if (change !== undefined) {
      const start = node.getStart();
      const line = tree.getLineAndCharacterOfPosition(start).line + 1;
      const [end, old] = [node.getEnd(), node.getText()];
      const at = lines[line - 1]!.trim();
      found.push({ file, line, at, start, end, old, ...change });
    }
    ts.forEachChild(node, visit);
  };
  visit(tree);
  return found;
}

/** The source with a mutation made. */
export function mutate(source: string, { start, end, text }: Mutation): string {
  return source.slice(0, start) + text + source.slice(end);
}

/** The name of a change, and the text that takes the place of the node. */
type Change = Pick<Mutation, "what" | "text" | "operands">;

/** The end of the mark for the coverage in the comments before a node: `-start`, `-stop`, or nothing for the node alone. */
function markBefore(node: ts.Node, source: string): string | undefined {
  const comments = ts.getLeadingCommentRanges(source, node.getFullStart()) ??
    [];
  const text = comments.map(({ pos, end }) => source.slice(pos, end)).join("");
  return /\bdeno-coverage-ignore(-start|-stop)?\b/.exec(text)
    ?.slice(1).join("");
}

function isType(node: ts.Node): boolean {
  return ts.isTypeNode(node) || ts.isInterfaceDeclaration(node) ||
    ts.isTypeAliasDeclaration(node);
}

/** Without an `await`, a call that stands alone, or a `throw`. */
function dropped(node: ts.Node): Change | undefined {
  if (ts.isAwaitExpression(node)) {
    return isForCaller(node)
      ? undefined
      : { what: "drop await", text: node.expression.getText() };
  }
  if (ts.isThrowStatement(node)) return { what: "drop throw", text: ";" };
  if (!ts.isExpressionStatement(node)) return undefined;
  let { expression } = node;
  while (ts.isAwaitExpression(expression) || ts.isVoidExpression(expression)) {
    expression = expression.expression;
  }
  const isCall = ts.isCallExpression(expression) &&
    expression.expression.kind !== ts.SyntaxKind.SuperKeyword;
  return isCall ? { what: "drop call", text: ";" } : undefined;
}

/** Whether a function returns what it awaits, and has nothing to do afterwards: its caller awaits the same. */
function isForCaller(node: ts.AwaitExpression): boolean {
  const { parent } = node;
  if (ts.isArrowFunction(parent)) return true;
  if (!ts.isReturnStatement(parent)) return false;
  let around: ts.Node = parent;
  while (!ts.isFunctionLike(around)) {
    if (ts.isTryStatement(around)) return false;
    if (ts.isBlock(around) && around.statements.some(isUsing)) return false;
    around = around.parent;
  }
  return true;
}

/** Whether a statement declares what is disposed of at the end of its block. */
function isUsing(node: ts.Statement): boolean {
  return ts.isVariableStatement(node) &&
    /^(await )?using /.test(node.getText());
}

/** With another comparison, or the other boolean. */
function flipped(node: ts.Node): Change | undefined {
  if (node.kind === ts.SyntaxKind.TrueKeyword) {
    return { what: "true to false", text: "false" };
  }
  if (node.kind === ts.SyntaxKind.FalseKeyword) {
    return { what: "false to true", text: "true" };
  }
  if (!ts.isBinaryExpression(node)) return undefined;
  const { left, operatorToken, right } = node;
  const operator = operatorToken.getText();
  const other = COMPARISONS[operator];
  if (other === undefined) return undefined;
  const what = `${operator} to ${other}`;
  const text = `${left.getText()} ${other} ${right.getText()}`;
  return isOrder(operator)
    ? { what, text, operands: [operator, left.getEnd(), right.getStart()] }
    : { what, text };
}

function isOrder(operator: string): operator is "<" | "<=" | ">" | ">=" {
  return /^[<>]=?$/.test(operator);
}

/** With the opposite of what `durable` says. */
function negated(node: ts.Node): Change | undefined {
  const text = node.getText();
  const what = "negate durable";
  if (ts.isShorthandPropertyAssignment(node) && text === "durable") {
    return { what, text: "durable: !durable" };
  }
  const isRead = ts.isPropertyAccessExpression(node)
    ? /^#?durable$/.test(node.name.text)
    : ts.isIdentifier(node) && text === "durable" && isValue(node);
  return isRead && !isAssigned(node) && !isBegun(node)
    ? { what, text: `!${text}` }
    : undefined;
}

/** Whether what a node gives is only called, or asked for a property. */
function isBegun({ parent, pos }: ts.Node): boolean {
  return (ts.isCallExpression(parent) ||
    ts.isPropertyAccessExpression(parent)) && parent.expression.pos === pos;
}

/** Whether a name is read, and neither declared nor part of a longer one. */
function isValue({ parent, pos }: ts.Identifier): boolean {
  return ts.isIfStatement(parent) || ts.isPrefixUnaryExpression(parent) ||
    ts.isBinaryExpression(parent) || ts.isConditionalExpression(parent) ||
    ts.isCallExpression(parent) || ts.isReturnStatement(parent) ||
    ts.isPropertyAssignment(parent) && parent.initializer.pos === pos;
}

function isAssigned({ parent, pos }: ts.Node): boolean {
  return ts.isBinaryExpression(parent) && parent.left.pos === pos &&
    /^(.+=|=)$/.test(parent.operatorToken.getText()) &&
    !/[=!]==|[<>]=/.test(parent.operatorToken.getText());
}
