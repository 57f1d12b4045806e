import { type CommandSpec, COMMON, type OptionSpec } from "./args.ts";
import { table } from "../base/text.ts";

/** The output of `mini --help`. */
export function generalHelp(commands: readonly CommandSpec[]): string[] {
  return [
    "mini inspects and repairs what @mini/state keeps on disk.",
    "",
    "Usage: mini <command> <path> [options]",
    "",
    "The path is a journal, or the directory of a state or a queue.",
    "",
    ...indent(table(commands.map((spec) => [usage(spec), spec.summary]))),
    "",
    "Every command has --help and --json. Exit codes: 0 all is well, 1 something",
    "was found or could not be done, 2 misuse. A command that is not marked",
    "(writes …) writes nothing, and runs beside a program that has the journal open.",
    "mini help <command> is mini <command> --help; mini --version prints the version.",
  ];
}

/** The output of `mini <command> --help`. */
export function commandHelp(spec: CommandSpec): string[] {
  const options = [...spec.options, ...COMMON].map((option) => [
    optionUsage(option),
    option.summary,
  ]);
  return [
    `${spec.summary.charAt(0).toUpperCase()}${spec.summary.slice(1)}.`,
    "",
    `Usage: mini ${usage(spec)} [options]`,
    "",
    ...spec.details,
    ...(spec.details.length > 0 ? [""] : []),
    ...indent(table(options)),
    "",
    spec.examples.length === 1 ? "Example:" : "Examples:",
    "",
    ...indent(spec.examples.map((args) => `mini ${spec.name} ${args}`)),
  ];
}

function usage({ name, operands }: CommandSpec): string {
  return [name, ...operands].join(" ");
}

function optionUsage(
  { name, short, value, isOptional }: OptionSpec,
): string {
  return [
    short === undefined ? "   " : `-${short},`,
    isOptional ? `--${name}[=${value}]` : `--${name}`,
    ...(value === undefined || isOptional ? [] : [value]),
  ].join(" ");
}

function indent(lines: readonly string[]): string[] {
  return lines.map((line) => `  ${line}`);
}
