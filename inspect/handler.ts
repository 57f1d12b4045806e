import { isSecret, newSecret } from "../base/bytes.ts";
import { Signal } from "../base/signal.ts";
import { BadRequest } from "./actions.ts";
import { type AnswerName, Api, type Query } from "./api.ts";
import type { ActionDone, ActionName, News, Overview } from "./api_types.ts";
import { ACTIONS, type InspectOptions } from "./options.ts";
import { PAGE, POLICY } from "./page.gen.ts";
import { problemOf } from "./problem.ts";
import { RedactFailure, Redactor } from "./redact.ts";
import { failed, harden, json, Texts, whole } from "./responses.ts";
import { type Route, routeOf } from "./routes.ts";
import type { Target } from "./target.ts";

/** The header with the token of an action. */
const TOKEN_HEADER = "x-mini-token";

/** The most characters of what an action takes. */
const MAX_INPUT = 4_000_000;

/** The actions that a page may have missed, as it reads slowly. */
const MAX_TOLD = 100;

/** A page that is told of actions. */
interface Listener {
  told: ActionDone[];
  readonly arrived: Signal;
}

/** Answers requests. */
export class Handler {
  readonly #options: InspectOptions;
  readonly #redactor: Redactor;
  readonly #api: Api;
  readonly #token = newSecret();
  readonly #closed = new AbortController();
  readonly #open = new Set<Texts>();
  readonly #listeners = new Set<Listener>();

  constructor(target: Target, options: InspectOptions) {
    this.#options = options;
    this.#redactor = new Redactor(options.redact);
    this.#api = new Api(target, this.#redactor, this.#closed.signal);
  }

  async fetch(request: Request): Promise<Response> {
    return harden(await this.#answer(request).catch(unexpected), POLICY);
  }

  /** Stops searches and live streams. */
  async close(): Promise<void> {
    this.#closed.abort();
    await Promise.all([...this.#open].map((texts) => texts.end()));
    await this.#api.end();
  }

  async #answer(request: Request): Promise<Response> {
    if (!await this.#may(request)) return FORBIDDEN();
    if (this.#closed.signal.aborted) return CLOSED();
    const route = routeOf(request);
    if (route.kind === "none") return failed(404, { message: "not found" });
    const method = route.kind === "action" ? "POST" : "GET";
    if (request.method !== method) {
      const response = failed(405, { message: `only ${method} is allowed` });
      response.headers.set("allow", method);
      return response;
    }
    return await this.#take(route, request);
  }

  async #take(route: Route, request: Request): Promise<Response> {
    switch (route.kind) {
      case "page":
        return whole(PAGE, "text/html; charset=utf-8");
      case "redirect": {
        const headers = { location: route.to };
        return new Response(null, { status: 308, headers });
      }
      case "action":
        return await this.#act(route.name, request);
      default:
        return await this.#ask(route.name!, request);
    }
  }

  /** Whether a request is allowed, or an action of it. */
  async #may(request: Request, action?: ActionName): Promise<boolean> {
    const { authorize } = this.#options;
    const may = action === undefined
      ? authorize(request)
      : authorize(request, action);
    return await may === true;
  }

  /** Answers a question about the log. What the log has to say for itself is an answer. */
  async #ask(name: string, request: Request): Promise<Response> {
    const query: Query = Object.fromEntries(new URL(request.url).searchParams);
    try {
      if (name === "live") return await this.#live(request);
      if (name === "search") return await this.#search(query);
      const answer = await this.#api.get(name as AnswerName, query);
      if (name !== "overview") return json(answer);
      const actions = await this.#allowed(request);
      return json(
        {
          ...answer as Omit<Overview, "actions" | "token">,
          actions,
          ...(actions.length > 0 && { token: this.#token }),
        } satisfies Overview,
      );
    } catch (error) {
      return this.#problem(error, 200);
    }
  }

  #problem(error: unknown, status: number): Response {
    if (error instanceof RedactFailure || error instanceof Unauthorized) {
      throw error;
    }
    // It was closed while the answer was on its way.
    if (error === this.#closed.signal.reason) return CLOSED();
    const isBad = error instanceof BadRequest;
    const problem = problemOf(error, this.#redactor);
    return failed(isBad ? 400 : status, problem);
  }

  /** The actions that are there to be taken, and that who asks may take. */
  async #allowed(request: Request): Promise<ActionName[]> {
    const { actions = [] } = this.#options;
    const allowed: ActionName[] = [];
    for (const action of await this.#api.possible(actions)) {
      try {
        if (await this.#may(request, action)) allowed.push(action);
      } catch (cause) {
        throw new Unauthorized("authorize has failed", { cause });
      }
    }
    return allowed;
  }

  async #search(query: Query): Promise<Response> {
    const stop = new AbortController();
    const lines = encoded(await this.#api.search(query, stop.signal));
    // Where nothing may be shown, that is the answer.
    const { value } = await lines.next();
    const begun = value === undefined ? [] : [value];
    return this.#stream("application/x-ndjson", stop, lines, begun);
  }

  async #live(request: Request): Promise<Response> {
    const stop = new AbortController();
    const news = this.#news(await this.#api.watch(stop.signal), stop);
    const allowed = this.#whileAllowed(request, news);
    return this.#stream("text/event-stream", stop, allowed);
  }

  /** Ends where the right to look was taken away since. */
  async *#whileAllowed(
    request: Request,
    texts: AsyncGenerator<string, void, undefined>,
  ): AsyncGenerator<string, void, undefined> {
    for await (const text of texts) {
      if (!await this.#may(request)) return;
      yield text;
    }
  }

  /** Tells of records, and of actions. */
  async *#news(
    news: AsyncGenerator<News, void, undefined>,
    stop: AbortController,
  ): AsyncGenerator<string, void, undefined> {
    const listener: Listener = { told: [], arrived: new Signal() };
    const uncount = this.#api.count();
    this.#listeners.add(listener);
    let next = news.next();
    next.catch(() => {});
    try {
      // Says that the watch has begun, before there is any news.
      yield ": watching\n\n";
      for (;;) {
        const arrived = listener.arrived.next.then(() => undefined);
        for (const action of listener.told.splice(0)) {
          yield event({ count: 0, recent: [], action });
        }
        const step = await Promise.race([next, arrived]);
        if (step === undefined) continue;
        if (step.done) return;
        next = news.next();
        next.catch(() => {});
        yield event(step.value);
      }
    } finally {
      this.#listeners.delete(listener);
      uncount();
      // What waits for news waits no longer.
      stop.abort();
      await news.return();
    }
  }

  #stream(
    type: string,
    stop: AbortController,
    lines: AsyncGenerator<string, void, undefined>,
    begun?: readonly string[],
  ): Response {
    const onEnd = (ended: Texts) => this.#open.delete(ended);
    const texts = new Texts(lines, stop, onEnd, begun);
    this.#open.add(texts);
    // It may have been closed while their beginning was read.
    if (this.#closed.signal.aborted) void texts.end().catch(() => {});
    return new Response(texts.body, {
      headers: { "content-type": `${type}; charset=utf-8` },
    });
  }

  async #act(name: string, request: Request): Promise<Response> {
    const { actions = [], origin } = this.#options;
    const action = ACTIONS.find((known) => known === name);
    if (action === undefined) return failed(404, { message: "not found" });
    const isOn = actions.includes(action) && isFromPage(request, origin) &&
      isSecret(request.headers.get(TOKEN_HEADER) ?? "", this.#token) &&
      await this.#may(request, action);
    if (!isOn) return FORBIDDEN();
    try {
      const done = await this.#api.act(action, await inputOf(request));
      for (const listener of this.#listeners) {
        listener.told.push(done);
        if (listener.told.length > MAX_TOLD) listener.told.shift();
        listener.arrived.fire();
      }
      return json(done);
    } catch (error) {
      return this.#problem(error, 409);
    }
  }
}

/** Says that nobody knows whether something is allowed. */
class Unauthorized extends Error {}

/** The same for whatever is not allowed. */
const FORBIDDEN = () => failed(403, { message: "this is not allowed" });

const CLOSED = () => failed(503, { message: "the inspector was closed" });

function unexpected(): Response {
  return failed(500, { message: "the server has failed to answer" });
}

async function* encoded(
  lines: AsyncIterable<unknown>,
): AsyncGenerator<string, void, undefined> {
  for await (const line of lines) yield `${JSON.stringify(line)}\n`;
}

function event(news: News): string {
  return `data: ${JSON.stringify(news)}\n\n`;
}

/** Whether the page itself has sent a request, and no other page. */
function isFromPage(request: Request, origin: string | undefined): boolean {
  const { headers, url } = request;
  const site = headers.get("sec-fetch-site");
  const from = headers.get("origin");
  const own = origin ?? new URL(url).origin;
  // A proxy may change the address, and never what the browser says.
  if (site === "same-origin") {
    return from === null || origin === undefined || from === own;
  }
  return site === null && from === own;
}

/** The JSON object in the body of a request. */
async function inputOf(
  request: Request,
): Promise<Readonly<Record<string, unknown>>> {
  const text = await textOf(request);
  try {
    const input = text === "" ? {} : JSON.parse(text);
    const isObject = typeof input === "object" && input !== null &&
      !Array.isArray(input);
    if (isObject) return input;
  } catch {
    // The same as any other text that is no object.
  }
  throw new BadRequest("the body must be a JSON object");
}

/** The body of a request, of which no more is read than an action takes. */
async function textOf({ body }: Request): Promise<string> {
  const decoder = new TextDecoder();
  const reader = body?.getReader();
  let text = "";
  for (;;) {
    const { done, value } = await reader?.read() ?? { done: true };
    if (done) return text + decoder.decode();
    text += decoder.decode(value, { stream: true });
    if (text.length > MAX_INPUT) throw new BadRequest("that is too much");
  }
}
