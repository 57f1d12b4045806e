/**
 * A page that shows a log, a state or a queue, for a server of one's own.
 *
 * ```ts
 * import { createInspector } from "@mini/state/inspect";
 * import { MiniQueue } from "@mini/state/queue";
 * import { assertEquals } from "@std/assert";
 *
 * await using queue = await MiniQueue.open<string>(await Deno.makeTempDir());
 * const inspector = createInspector(queue, {
 *   authorize: (request) => request.headers.get("x-user") === "ada",
 *   actions: ["redrive", "cancel"],
 * });
 * // As any server hands it over, under any path.
 * const request = new Request("http://localhost/jobs/");
 * const refused = await inspector.fetch(request);
 * assertEquals(refused.status, 403);
 * await inspector.close();
 * ```
 *
 * @experimental
 * @module
 */

import { Handler } from "./handler.ts";
import { checkOptions, type InspectOptions } from "./options.ts";
import { type InspectTarget, targetOf } from "./target.ts";

export type { ActionName } from "./api_types.ts";
export { type NodeRequest, type NodeResponse, toNodeHandler } from "./node.ts";
export { ACTIONS } from "./options.ts";
export type {
  Authorize,
  InspectDefinition,
  InspectOptions,
} from "./options.ts";
export type { Redact, RedactWhere } from "./redact.ts";
export type { InspectTarget } from "./target.ts";

/** A page, and what it asks for. */
export interface Inspector {
  /** Answers a request of the page. It needs no `this`. For Express and `node:http` there is {@linkcode toNodeHandler}. */
  readonly fetch: (request: Request) => Promise<Response>;
  /** Ends searches and live streams, waits for actions that have begun, and answers later requests with 503. The target stays open. Closing twice is fine. */
  readonly close: () => Promise<void>;
}

/**
 * Makes a page that shows a log, a state or a queue, to be mounted at any path of
 * a server. It asks for nothing but what is below that path.
 *
 * Over a path it reads the files, beside the program that writes them, and takes
 * no lock. Over an object that is open it shows also what no file tells: who has
 * which message, and until when; how many messages come and go; what a view or a
 * consumer lacks. The object must have files.
 *
 * @typeParam S The state whose definition is given.
 * @typeParam M Its mutations.
 * @param target What is looked at.
 * @param options Who may look, who may act, and what is shown.
 * @returns The page. Close it before the server.
 * @throws {TypeError} Without `authorize`; for options that are unknown or wrong;
 * for another target, and for one without files.
 *
 * @example Over files, with the states that a program makes of them
 * ```ts
 * import { createInspector } from "@mini/state/inspect";
 * import { StateManager } from "@mini/state/state";
 * import { assertEquals } from "@std/assert";
 *
 * const dir = await Deno.makeTempDir();
 * const definition = {
 *   initial: () => ({ sum: 0 }),
 *   apply: (state: { sum: number }, by: number) => void (state.sum += by),
 * };
 * {
 *   await using state = await StateManager.open(dir, definition);
 *   await state.apply(2);
 * }
 * const inspector = createInspector(dir, { definition, authorize: () => true });
 * const request = new Request("http://localhost/inspect/api/state?at=1");
 * const shown = await (await inspector.fetch(request)).json();
 * assertEquals(shown.state, { sum: 2 });
 * await inspector.close();
 * ```
 *
 * @example Leave out what nobody may see
 * ```ts
 * import { createInspector } from "@mini/state/inspect";
 * import { MiniStore } from "@mini/state/store";
 * import { assertEquals } from "@std/assert";
 *
 * const path = `${await Deno.makeTempDir()}/journal.jsonl`;
 * await using store = await MiniStore.open(path);
 * await store.append({ user: "ada", card: "4111" });
 *
 * const inspector = createInspector(store, {
 *   authorize: () => true,
 *   redact: (value) =>
 *     JSON.parse(JSON.stringify(value, (key, part) => key === "card" ? "…" : part)),
 * });
 * const request = new Request("http://localhost/api/record?seq=1");
 * const shown = await (await inspector.fetch(request)).json();
 * assertEquals(shown.data, { user: "ada", card: "…" });
 * await inspector.close();
 * ```
 */
export function createInspector<S = unknown, M = unknown>(
  target: InspectTarget,
  options: InspectOptions<S, M>,
): Inspector {
  const own = options as InspectOptions;
  checkOptions(own);
  const handler = new Handler(targetOf(target, own), own);
  return {
    fetch: (request) => handler.fetch(request),
    close: () => handler.close(),
  };
}
