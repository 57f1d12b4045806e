import { TextLineStream } from "@std/streams/text-line-stream";
import type { Inspector } from "@mini/state/inspect";

/** Where the inspector is mounted in tests that call it without a server. */
export const MOUNT = "http://localhost/admin/log/";

/** Asks an inspector, without a server. */
export function ask(
  { fetch }: Pick<Inspector, "fetch">,
  path: string,
  init?: RequestInit,
): Promise<Response> {
  return fetch(new Request(new URL(path, MOUNT), init));
}

/** Asks for something of the log. */
export async function get(
  inspector: Pick<Inspector, "fetch">,
  path: string,
  init?: RequestInit,
  // deno-lint-ignore no-explicit-any -- whatever it is answered with
): Promise<any> {
  return await (await ask(inspector, `api/${path}`, init)).json();
}

/** Acts as the page does. */
export async function act(
  inspector: Pick<Inspector, "fetch">,
  name: string,
  input: unknown = {},
  headers: Readonly<Record<string, string>> = {},
  // deno-lint-ignore no-explicit-any -- whatever it is answered with
): Promise<{ status: number; answer: any }> {
  const { token = "" } = await get(inspector, "overview", { headers });
  const response = await ask(inspector, `api/actions/${name}`, {
    method: "POST",
    body: JSON.stringify(input),
    headers: {
      "sec-fetch-site": "same-origin",
      "x-mini-token": token,
      ...headers,
    },
  });
  return { status: response.status, answer: await response.json() };
}

/** The news of a live stream, until the caller has seen enough. */
export async function* newsOf(
  response: Response,
  // deno-lint-ignore no-explicit-any -- whatever is told
): AsyncGenerator<any, void, undefined> {
  const lines: ReadableStream<string> = response.body!
    .pipeThrough(new TextDecoderStream()).pipeThrough(new TextLineStream());
  for await (const line of lines) {
    if (line.startsWith("data: ")) yield JSON.parse(line.slice(6));
  }
}
