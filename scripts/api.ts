/**
 * Writes the public interface into docs/api.txt, so that a change of it shows in
 * review: `deno task api`. With `--check` it compares instead.
 */
import { fromFileUrl, join, toFileUrl } from "@std/path";
import ts from "typescript";

/** A public name, and the file that declares it. */
interface PublicName {
  readonly name: string;
  readonly file: string;
  /** Whether another entry has declared it already. */
  readonly isAgain: boolean;
}

interface Documented {
  readonly nodes: Record<string, {
    readonly symbols: readonly {
      readonly name: string;
      readonly declarations: readonly {
        readonly kind: string;
        readonly location: { readonly filename: string };
      }[];
    }[];
  }>;
}

/** The declarations of a module in the order of their names, without comments and what is private. */
export function declarationsIn(source: string): Map<string, string> {
  const { outputText } = ts.transpileDeclaration(source, {
    compilerOptions: { removeComments: true, target: ts.ScriptTarget.ESNext },
  });
  const file = ts.createSourceFile(
    "module.d.ts",
    outputText,
    ts.ScriptTarget.ESNext,
    true,
  );
  const found = new Map<string, string>();
  const add = (name: string, text: string) => {
    const overloads = found.get(name);
    found.set(
      name,
      overloads
        ? `${overloads}
${text}`
        : text,
    );
  };
  for (const statement of file.statements) {
    const text = statement.getText(file)
      .replace(/^export (declare )?/, "")
      .replace(/^ {4}(#private|private \w+);\n/gm, "")
      // Which of its options a method takes apart is its own business.
      .replace(/\{ [\w, .]+ \}(?=\??:)/g, "options")
      // TypeScript gives a method with such a name a second time, as a property.
      .replace(/^ {4}\[Symbol\.\w+\]: \(\) => .*;\n/gm, "")
      .replace(/^( {4})+/gm, (indent) => " ".repeat(indent.length / 2));
    if (ts.isTypeAliasDeclaration(statement)) {
      add(statement.name.text, aliasText(statement, text));
    } else if (ts.isVariableStatement(statement)) {
      for (const { name } of statement.declarationList.declarations) {
        add(name.getText(file), text);
      }
    } else if ("name" in statement) {
      add((statement.name as ts.Identifier).text, text);
    }
  }
  return found;
}

/** A long union takes a line for each of its types. */
function aliasText({ type }: ts.TypeAliasDeclaration, text: string): string {
  if (!ts.isUnionTypeNode(type) || text.length <= 80) return text;
  const head = text.slice(0, text.indexOf(" = "));
  const types = type.types.map((one) => `\n  | ${one.getText()}`);
  return `${head} =${types.join("")};`;
}

/** The names of each public entry, in order. */
async function publicNames(
  root: string,
): Promise<Map<string, readonly PublicName[]>> {
  const { name: project, exports } = JSON.parse(
    await Deno.readTextFile(join(root, "deno.json")),
  );
  // The first is all of the bricks, which follow one by one.
  const { ".": _, ...entries } = exports as Record<string, string>;
  const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["doc", "--json", ...Object.values(entries)],
    cwd: root,
  }).output();
  if (!success) throw new Error(new TextDecoder().decode(stderr));
  const { nodes }: Documented = JSON.parse(new TextDecoder().decode(stdout));
  return new Map(
    Object.entries(entries).map(([entry, path]) => [
      join(project, entry),
      nodes[toFileUrl(join(root, path)).href]!.symbols.map((
        { name, declarations },
      ) => ({
        name,
        file: fromFileUrl(declarations[0]!.location.filename),
        isAgain: declarations.every(({ kind }) => kind === "reference"),
      })).sort((a, b) => a.name < b.name ? -1 : 1),
    ]),
  );
}

/** The public interface as a text. */
async function publicInterface(root: string): Promise<string> {
  const files = new Map<string, Map<string, string>>();
  const parts: string[] = [];
  for (const [entry, names] of await publicNames(root)) {
    parts.push(`# ${entry}`);
    for (const { name, file, isAgain } of names) {
      if (isAgain) continue;
      const known = files.get(file) ??
        declarationsIn(await Deno.readTextFile(file));
      files.set(file, known);
      const text = known.get(name);
      if (text === undefined) throw new Error(`${file} declares no ${name}`);
      parts.push(text);
    }
    const again = names.filter(({ isAgain }) => isAgain);
    if (again.length === 0) continue;
    parts.push(again.map(({ name }) => `also ${name}`).join("\n"));
  }
  return `${parts.join("\n\n")}\n`;
}

/** The lines of which one text has more than the other. */
export function differences(old: string, now: string): string[] {
  const count = (text: string) => {
    const counts = new Map<string, number>();
    for (const line of text.split("\n")) {
      counts.set(line, (counts.get(line) ?? 0) + 1);
    }
    return counts;
  };
  const [before, after] = [count(old), count(now)];
  const lines = new Set([...before.keys(), ...after.keys()]);
  return [...lines].flatMap((line) => {
    const change = (after.get(line) ?? 0) - (before.get(line) ?? 0);
    return change === 0 ? [] : [`${change > 0 ? "+" : "-"} ${line}`];
  });
}

if (import.meta.main) {
  const root = fromFileUrl(new URL("../", import.meta.url));
  const path = join(root, "docs/api.txt");
  const now = await publicInterface(root);
  if (Deno.args[0] === "--check") {
    const old = await Deno.readTextFile(path);
    if (old !== now) {
      const problem =
        "docs/api.txt differs from the public interface; deno task api writes it:";
      // deno-lint-ignore no-console -- it is a command
      console.log([problem, ...differences(old, now)].join("\n"));
      Deno.exitCode = 1;
    }
  } else await Deno.writeTextFile(path, now);
}
