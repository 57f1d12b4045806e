import { TextLineStream } from "@std/streams/text-line-stream";
import { type Ran, run } from "./system.ts";

/** A kind of namespace of Linux, by what a process in it has of its own. */
export type NamespaceKind = "mount" | "net";

/**
 * Keeps namespaces until its input ends, which it does however this process ends;
 * then kills whatever else runs in them, so that the kernel takes away what is
 * mounted and linked there.
 */
const KEEPER = String.raw`
own=$(readlink "/proc/$$/ns/$0" | sed 's/[][]/\\&/g')
echo ready
read -r _
# Nobody reads what it says any more.
exec 2>/dev/null
kill -9 $(find /proc/[0-9]*/ns/"$0" -lname "$own" | cut -d/ -f3 | grep -vx $$)
`;

/** The name of a kind below /proc. */
const PROC_NAMES = { mount: "mnt", net: "net" } as const;

/** A namespace of Linux, gone with all that is in it when the test ends, or is killed. */
export class Namespace implements AsyncDisposable {
  /** The begin of the command line of a process that is to run in it. */
  readonly enter: readonly string[];
  /** The process that stands for it, for `ip`. */
  readonly pid: string;
  readonly #keeper: Deno.ChildProcess;

  private constructor(kind: NamespaceKind, keeper: Deno.ChildProcess) {
    this.pid = String(keeper.pid);
    this.enter = ["nsenter", `--${kind}`, `--target=${this.pid}`, "--"];
    this.#keeper = keeper;
  }

  /** Makes one, or says why there can be none. */
  static async open(kind: NamespaceKind): Promise<Namespace | string> {
    if (Deno.build.os !== "linux") return "there are namespaces on Linux only";
    const shell = ["sh", "-c", KEEPER, PROC_NAMES[kind]];
    let keeper: Deno.ChildProcess;
    try {
      keeper = new Deno.Command("unshare", {
        args: [`--${kind}`, "--", ...shell],
        stdin: "piped",
        stdout: "piped",
        stderr: "piped",
      }).spawn();
    } catch (error) {
      return String(error);
    }
    const lines = keeper.stdout.pipeThrough(new TextDecoderStream())
      .pipeThrough(new TextLineStream());
    const errors = new Response(keeper.stderr).text();
    for await (const line of lines) {
      if (line === "ready") return new Namespace(kind, keeper);
    }
    await keeper.stdin.close();
    await keeper.status;
    return await errors;
  }

  /** Runs a command in it, and throws if that fails. */
  async run(command: string, ...args: string[]): Promise<string> {
    const [first, ...others] = this.enter;
    const ran = await run(first!, ...others, command, ...args);
    return mustBe(ran, `${command} ${args.join(" ")}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#keeper.stdin.close();
    await this.#keeper.status;
  }
}

/** The output of a command; throws if it has failed. */
export function mustBe({ success, stdout, stderr }: Ran, what: string): string {
  if (!success) throw new Error(`${what}: ${stderr}`);
  return stdout.trim();
}
