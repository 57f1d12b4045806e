import { type CommandSpec, Misuse } from "../args.ts";
import type { Command } from "../command.ts";
import { COMPLETIONS } from "../completions.ts";

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
