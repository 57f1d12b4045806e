/** The subjects of commits. */

/** The last commit before subjects had their form. */
const BASE = "e6ced92";
const SUBJECT = /^[a-z][\w./-]*(, [a-z][\w./-]*)*: ([a-z]|[A-Z]{2})/;
const MAX_LENGTH = 72;

/** The problems with lines of the form `hash subject`. */
export function subjectProblems(log: string): string[] {
  return log.split("\n").filter((line) => line !== "").flatMap((line) => {
    const [hash, subject = ""] = line.split(/ (.*)/);
    if (subject.length > MAX_LENGTH) {
      const { length } = subject;
      return [`${hash}: a subject of ${length} letters, and 72 is the most`];
    }
    return SUBJECT.test(subject) ? [] : [`${hash}: not "area: verb …"`];
  });
}

/** The same of the commits since the base, or why none was looked at. */
export async function commitProblems(
  root: string,
): Promise<{ problems: string[]; skipped?: string }> {
  const args = ["log", "--no-merges", "--format=%h %s", `${BASE}..HEAD`];
  try {
    const { success, stdout, stderr } = await new Deno.Command("git", {
      args,
      cwd: root,
    }).output();
    const text = new TextDecoder().decode(success ? stdout : stderr);
    return success
      ? { problems: subjectProblems(text) }
      : { problems: [], skipped: text.trim().split("\n")[0]! };
  } catch (error) {
    return { problems: [], skipped: (error as Error).message };
  }
}
