import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { TestDirectory } from "../support/dir.ts";
import { mini, miniJson } from "../support/mini.ts";
import { run, skipped } from "../support/system.ts";

/** Commands as far as they are typed, and the words that complete them. */
const CASES: readonly [typed: string, words: readonly string[]][] = [
  ["mini sna", ["snapshots"]],
  ["mini st", ["stat", "state"]],
  ["mini queue p", ["peek", "purge"]],
  ["mini consumer ", ["list", "remove"]],
  ["mini verify --max", ["--max-record-bytes"]],
  ["mini tail state --fol", ["--follow"]],
  ["mini queue dead jobs --st", ["--stack"]],
  ["mini queue redrive jobs a", ["all"]],
  ["mini completions z", ["zsh"]],
];

/** Every word that begins a command, as help lists them. */
async function firstWords(): Promise<string[]> {
  const { stdout } = await mini(["--help"]);
  const words = stdout.split("\n").flatMap((line) =>
    /^ {2}([a-z]+) /.exec(line)?.[1] ?? []
  );
  return [...new Set(words)].sort();
}

/** Writes the script for a shell into the directory. */
async function scriptOf(shell: string, path: string): Promise<string> {
  const { code, stdout } = await mini(["completions", shell]);
  assertEquals(code, 0);
  await Deno.writeTextFile(path, stdout);
  return stdout;
}

/** Runs a program of a shell; `undefined` where the shell is not there. */
async function inShell(
  shell: string,
  ...args: string[]
): Promise<string | undefined> {
  if (!(await run(shell, "--version")).success) {
    return void skipped(`completion in ${shell}`, "it is not installed");
  }
  const { success, stdout, stderr } = await run(shell, ...args);
  assert(success, stderr);
  assertEquals(stderr, "");
  return stdout;
}

Deno.test("mini completions bash completes commands and options in bash", async () => {
  await using directory = new TestDirectory();
  const file = directory.at("mini.bash");
  await scriptOf("bash", file);
  const program = `
    source "$1"; shift
    complete -p mini
    for typed; do
      IFS=' ' read -ra COMP_WORDS <<< "$typed"
      [[ $typed == *' ' ]] && COMP_WORDS+=("")
      COMP_CWORD=$((\${#COMP_WORDS[@]} - 1))
      _mini
      echo "\${COMPREPLY[@]}"
    done`;
  const typed = [...CASES.map(([typed]) => typed), "mini ", "mini help q"];
  const args = ["--norc", "-c", program, "bash", file, ...typed];
  const stdout = await inShell("bash", ...args);
  if (stdout === undefined) return;
  const [how, ...answers] = stdout.trimEnd().split("\n");
  assertEquals(how, "complete -o default -F _mini mini");
  const wanted = CASES.map(([, words]) => words.join(" "));
  assertEquals(answers.slice(0, wanted.length), wanted);
  const [all, help] = answers.slice(wanted.length);
  const known = [...await firstWords(), "help"].sort();
  assertEquals(all!.split(" ").sort(), known);
  assertEquals(help, "queue");
});

Deno.test("mini completions zsh runs what completes in bash", async () => {
  await using directory = new TestDirectory();
  const file = directory.at("mini.zsh");
  const script = await scriptOf("zsh", file);
  const bash = await scriptOf("bash", directory.at("mini.bash"));
  assert(script.endsWith(bash));
  assertStringIncludes(script, "bashcompinit");
  const program = `
    source "$1"
    print -- "$_comps[mini]"
    setopt ksharrays shwordsplit
    COMP_WORDS=(mini queue st) COMP_CWORD=2
    _mini
    echo "\${COMPREPLY[@]}"`;
  const stdout = await inShell("zsh", "-f", "-c", program, "zsh", file);
  if (stdout === undefined) return;
  assertStringIncludes(stdout, "-F _mini");
  assertStringIncludes(stdout, "stats");
});

Deno.test("mini completions fish completes commands and options in fish", async () => {
  await using directory = new TestDirectory();
  const file = directory.at("mini.fish");
  const script = await scriptOf("fish", file);
  for (const [, words] of CASES) {
    for (const word of words) {
      assertStringIncludes(script, word.replace(/^--/, "-l "));
    }
  }
  for (const [typed, words] of CASES) {
    const program = "source $argv[1]; cd /; complete -C $argv[2]";
    const stdout = await inShell("fish", "-N", "-c", program, file, typed);
    if (stdout === undefined) return;
    const found = stdout.trimEnd().split("\n").map((line) =>
      line.split("\t")[0]!
    );
    for (const word of words) {
      assert(found.includes(word), `${typed}: ${stdout}`);
    }
  }
});

Deno.test("mini completions knows three shells", async () => {
  const { code, json } = await miniJson(["completions", "bash"]);
  const { stdout } = await mini(["completions", "bash"]);
  assertEquals([code, json], [0, { shell: "bash", script: stdout }]);
  const other = await mini(["completions", "toString"]);
  assertEquals(other.code, 2);
  assertStringIncludes(other.stderr, "bash, zsh, fish");
});
