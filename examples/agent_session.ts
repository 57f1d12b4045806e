// deno run --allow-read=./session --allow-write=./session examples/agent_session.ts ./session log
// deno run --allow-read=./session --allow-write=./session examples/agent_session.ts ./session plain
// deno run --allow-read=./session examples/agent_session.ts ./session show
/**
 * The session log of a command-line agent. A tool is on record before it runs,
 * also if it takes the machine down with it; and the end is on record too, which
 * is written while the process exits, where nothing can be awaited.
 *
 *     log      what stands on stdin, an event a line; `exit` ends the process
 *     plain    the same in a file to which each line is appended, as many do it
 *     show     both sessions, as the agent reads them when it resumes
 *
 * A full disk, or a kill, leaves half a line in the plain file. The next line is
 * appended to that half, and neither can be read. The log cuts off the half, at
 * once or when it is opened again, and says so.
 */
import { join } from "@std/path";
import { TextLineStream } from "@std/streams/text-line-stream";
import { MiniStore } from "@mini/state/store";

const [dir = "", command] = Deno.args;
const path = join(dir, "session.jsonl");
const plainPath = join(dir, "plain.jsonl");
if (dir !== "" && command === "log") {
  const log = await MiniStore.open<string>(path);
  const { outcome, tornBytes } = log.recovery;
  say(`${log.sequence} events (${outcome}, ${tornBytes} bytes cut off)`);
  await record((event) => log.appendSync(event));
} else if (dir !== "" && command === "plain") {
  Deno.mkdirSync(dir, { recursive: true });
  await record((event) => {
    const line = `${JSON.stringify(event)}\n`;
    Deno.writeTextFileSync(plainPath, line, { append: true });
  });
} else if (dir !== "" && command === "show") {
  for await (const { data } of MiniStore.replay<string>(path)) {
    say(`log: ${data.slice(0, 20)}`);
  }
  const lines = Deno.readTextFileSync(plainPath).trimEnd().split("\n");
  for (const line of lines) say(`plain: ${parsed(line).slice(0, 20)}`);
} else {
  say("usage: agent_session.ts DIR log | plain | show");
  Deno.exitCode = 2;
}

/** Records each line of stdin, and the end of the process. */
async function record(append: (event: string) => unknown): Promise<void> {
  const write = (event: string) => {
    try {
      append(event);
      say(`recorded ${event.slice(0, 20)}`);
    } catch (error) {
      say(`not recorded: ${(error as { code?: string }).code ?? error}`);
    }
  };
  globalThis.addEventListener("unload", () => write("the end"));
  const lines: ReadableStream<string> = Deno.stdin.readable
    .pipeThrough(new TextDecoderStream())
    .pipeThrough(new TextLineStream());
  for await (const line of lines) {
    if (line === "exit") Deno.exit();
    write(line);
  }
}

function parsed(line: string): string {
  try {
    return JSON.parse(line);
  } catch {
    return "(unreadable)";
  }
}

function say(line: string): void {
  // deno-lint-ignore no-console -- it is a command
  console.log(line);
}
