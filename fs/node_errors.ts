/** Errors to which Node, or Deno in its place, gives no name, by their number: on Linux, and on macOS. */
const CODES_BY_NUMBER: Readonly<Record<string, string>> = {
  "27": "EFBIG",
  "122": "EDQUOT",
  "69": "EDQUOT",
};

/** Where they have the number: in the code, or in the message. */
const NUMBER = /^Unknown system error -(\d+)|\(os error (\d+)\)/;

/** Does one thing, again where a signal interrupted it, and gives a failure its POSIX name. */
export async function run<T>(operation: () => T | Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await operation();
    } catch (error) {
      if (codeOf(error) === "EINTR") continue;
      throw withCode(error);
    }
  }
}

/** An error with a POSIX name. */
export function failure(code: string, about: string): Error {
  return Object.assign(new Error(`${code}: ${about}`), { code });
}

/** The name that the runtime gives an error. */
export function codeOf(error: unknown): string | undefined {
  return (error as { code?: string } | undefined)?.code;
}

/** Whether a sandbox refused: Node's permission model, or Deno, which runs the npm package too. */
export function isRefused(error: unknown): boolean {
  return codeOf(error) === "ERR_ACCESS_DENIED" || isNotCapable(error);
}

function isNotCapable(error: unknown): boolean {
  return error instanceof Error && error.name === "NotCapable";
}

function withCode(error: unknown): unknown {
  if (isNotCapable(error)) return named(error, "ENOTCAPABLE");
  if (codeOf(error) === "ERR_ACCESS_DENIED") return accessDenied(error);
  const about = codeOf(error) ?? (error as Error | undefined)?.message ?? "";
  const [, ofNode, ofDeno] = NUMBER.exec(about) ?? [];
  const code = CODES_BY_NUMBER[ofNode ?? ofDeno ?? ""];
  return code === undefined ? error : named(error, code);
}

function named(error: unknown, code: string): unknown {
  return Object.assign(error as Error, { code });
}

/** Says which flag of Node would help; the store knows those of Deno. */
function accessDenied(cause: unknown): Error {
  const { permission, resource, message } = cause as Error & {
    permission?: string;
    resource?: string;
  };
  const flag = permission === "FileSystemRead"
    ? "--allow-fs-read"
    : "--allow-fs-write";
  // No flag helps against what it does not have at all, which is `fsync` since Node 26.
  const about = !permission
    ? `nothing can be made durable under Node's permission model (${message}): run without --permission, or with Deno, whose permissions keep a program to a directory as well; reading needs no more than --allow-fs-read`
    : `Node's permission model refuses; ${flag}=${resource} helps`;
  return Object.assign(failure("EACCES", about), { cause });
}
