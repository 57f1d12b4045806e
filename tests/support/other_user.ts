/**
 * Does what it is told on standard input, line by line, as another user: who that
 * is holds for a whole process, so that this one is nobody else's.
 */
import process from "node:process";
import { TextLineStream } from "@std/streams/text-line-stream";
import { MiniQueue } from "@mini/state/queue";
import { tell } from "./kill.ts";
import { drain } from "./queue.ts";
import type { Order, Outcome } from "./users.ts";

const [owner, group] = [Deno.uid()!, Deno.gid()!];
const lines: ReadableStream<string> = Deno.stdin.readable
  .pipeThrough(new TextDecoderStream()).pipeThrough(new TextLineStream());
for await (const line of lines) {
  const { uid, gid, umask, ...order }: Order = JSON.parse(line);
  const before = umask === undefined ? undefined : Deno.umask(umask);
  process.setegid!(gid);
  process.seteuid!(uid);
  const outcome = await outcomeOf(order);
  process.seteuid!(owner);
  process.setegid!(group);
  if (before !== undefined) Deno.umask(before);
  tell(JSON.stringify(outcome));
}

async function outcomeOf(order: Omit<Order, "uid" | "gid">): Promise<Outcome> {
  const told: { code: string; message: string }[] = [];
  try {
    const messages = await act(order, (error) => told.push(plain(error)));
    return { messages, told };
  } catch (error) {
    return { messages: [], told, refusal: plain(error).code };
  }
}

async function act(
  { act, dir, file }: Omit<Order, "uid" | "gid">,
  onError: (error: unknown) => void,
): Promise<string[]> {
  if (act === "write") {
    await Deno.writeTextFile(file!, "secret", { mode: 0o600 });
  } else if (act === "post") await MiniQueue.post(dir, "a");
  else {
    await using queue = await MiniQueue.open<string>(dir, {
      ...(act === "receive" && { inbox: true }),
      onError,
    });
    if (act === "receive") {
      return [...await drain(queue), ...await drain(queue)];
    }
  }
  return [];
}

function plain(error: unknown): { code: string; message: string } {
  const { code = "", message } = error as { code?: string; message: string };
  return { code, message };
}
