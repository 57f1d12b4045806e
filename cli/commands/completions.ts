import { type CommandSpec, COMMON, Misuse } from "../args.ts";
import type { Command } from "../command.ts";

/** The script for each shell. */
const COMPLETIONS: Readonly<
  Record<string, (commands: readonly CommandSpec[]) => string[]>
> = { bash, zsh, fish };

const SHELLS = Object.keys(COMPLETIONS);

/** The command that prints how a shell completes all of them. */
export function completionsCommand(
  commands: () => readonly CommandSpec[],
): Command {
  return {
    name: "completions",
    operands: [SHELLS.join("|")],
    summary: "print the script with which a shell completes mini",
    details: [
      'bash, zsh: put eval "$(mini completions bash)", or zsh, into ~/.bashrc or ~/.zshrc',
      "fish: mini completions fish > ~/.config/fish/completions/mini.fish",
    ],
    options: [],
    examples: ["bash"],
    run({ args }) {
      const shell = args.operand(0);
      if (!SHELLS.includes(shell)) {
        const known = SHELLS.join(", ");
        throw new Misuse(`mini completes in ${known}, and not in "${shell}"`);
      }
      const lines = COMPLETIONS[shell]!(commands());
      const report = { shell, script: `${lines.join("\n")}\n` };
      return Promise.resolve({ exitCode: 0, report, lines });
    },
  };
}

/** The words that commands begin with, each with those that follow it. */
function firstsOf(commands: readonly CommandSpec[]): Map<string, string[]> {
  const firsts = new Map<string, string[]>();
  for (const { name } of commands) {
    const [first = "", ...second] = name.split(" ");
    firsts.set(first, [...firsts.get(first) ?? [], ...second]);
  }
  return firsts;
}

/** The operands that are typed as help shows them: `all` of `ID|all`. */
function choicesOf({ operands }: CommandSpec): string[] {
  return operands.filter((operand) => operand.includes("|"))
    .flatMap((operand) => operand.split("|"))
    .filter((word) => /^[a-z]+$/.test(word));
}

function bash(commands: readonly CommandSpec[]): string[] {
  const firsts = firstsOf(commands);
  const families = [...firsts].filter(([, seconds]) => seconds.length > 0);
  const words = (list: Iterable<string>) => `"${[...list].join(" ")}"`;
  return [
    "_mini() {",
    "  local word=${COMP_WORDS[COMP_CWORD]} at=1 words options",
    "  [[ ${COMP_WORDS[1]} == help ]] && ((COMP_CWORD > 1)) && at=2",
    "  local first=${COMP_WORDS[at]} second=${COMP_WORDS[at + 1]}",
    "  case $((COMP_CWORD - at)):$first in",
    `    0:*) words=${
      words([...firsts.keys(), "help"])
    } options="--help --version" ;;`,
    ...families.map(([first, seconds]) =>
      `    1:${first}) words=${words(seconds)} options="--help" ;;`
    ),
    '    *) case "$first $second " in',
    ...commands.map((command) => {
      const options = [...command.options, ...COMMON]
        .flatMap((
          { name, short },
        ) => [`--${name}`, ...short ? [`-${short}`] : []]);
      const choices = words(choicesOf(command));
      return `      "${command.name} "*) words=${choices} options=${
        words(options)
      } ;;`;
    }),
    "    esac ;;",
    "  esac",
    "  [[ $word == -* ]] && words=$options",
    '  COMPREPLY=($(compgen -W "$words" -- "$word"))',
    "}",
    "complete -o default -F _mini mini",
  ];
}

/** Zsh runs what completes in bash. */
function zsh(commands: readonly CommandSpec[]): string[] {
  return [
    "(( $+functions[compdef] )) || { autoload -U compinit && compinit }",
    "autoload -U bashcompinit && bashcompinit",
    ...bash(commands),
  ];
}

function fish(commands: readonly CommandSpec[]): string[] {
  const line = (after: string, rest: string, summary: string) =>
    `complete -c mini -n "__mini_after '${after}'" ${rest} -d '${
      summary.replace(/['\\]/g, "\\$&")
    }'`;
  return [
    "function __mini_after",
    "  set -l words (commandline -opc)",
    "  set -e words[1]",
    '  string match -q -- $argv[1] "$words "',
    "end",
    ...[...firstsOf(commands)].flatMap(([first, seconds]) =>
      seconds.length === 0
        ? []
        : [line(" ", `-f -a ${first}`, seconds.join(", "))]
    ),
    ...commands.flatMap((command) => {
      const { name, summary } = command;
      const words = name.split(" ");
      const after = words.slice(0, -1).map((word) => `${word} `).join("");
      const own = line(after || " ", `-f -a ${words.at(-1)}`, summary);
      const choices = choicesOf(command);
      const options = [...command.options, ...COMMON].map((option) => {
        const letter = option.short ? ` -s ${option.short}` : "";
        const takes = option.value === undefined
          ? ""
          : option.value === "MODULE"
          ? " -r"
          : " -x";
        const rest = `-l ${option.name}${letter}${takes}`;
        return line(`${name} *`, rest, option.summary);
      });
      const operand = `-a '${choices.join(" ")}'`;
      return [
        own,
        ...choices.length > 0 ? [line(`${name} *`, operand, "")] : [],
        ...options,
      ];
    }),
  ];
}
