/** Requests to the server of the page. Every address is relative to that of the page. */
import type {
  ActionDone,
  ActionInputs,
  ActionName,
  MissingRecord,
  NoQueue,
  Overview,
  Problem,
  QueueAnswer,
  RecordPage,
  StateAnswer,
  TokenHeader,
  WholeRecord,
} from "../api_types.ts";

/** The answers, by the names of what is asked for. */
interface Answers {
  readonly overview: Overview;
  readonly records: RecordPage;
  readonly record: WholeRecord | MissingRecord;
  readonly state: StateAnswer;
  readonly queue: QueueAnswer | NoQueue;
}

/** The problem that the server tells in place of an answer. */
export class Trouble extends Error {
  readonly told: Problem;

  constructor(told: Problem) {
    super(told.message);
    this.told = told;
  }
}

/** The parameters of a request. */
export type Query = Readonly<Record<string, string | number>>;

/** Asks the server. */
export async function ask<Name extends keyof Answers>(
  name: Name,
  query: Query = {},
): Promise<Answers[Name]> {
  const response = await fetch(address(name, query));
  const answer = await response.json();
  if (answer.error) throw new Trouble(answer.error);
  return answer;
}

const TOKEN_HEADER: TokenHeader = "x-mini-token";

/** Has the server do something. */
export async function act<Name extends ActionName>(
  name: Name,
  input: ActionInputs[Name],
  token: string,
): Promise<ActionDone> {
  const response = await fetch(`api/actions/${name}`, {
    method: "POST",
    headers: { "content-type": "application/json", [TOKEN_HEADER]: token },
    body: JSON.stringify(input),
  });
  const answer = await response.json();
  if (answer.error) throw new Trouble(answer.error);
  return answer;
}

/** Asks for values that come one by one, and gives each as soon as its line is there. */
export async function* askLines<T>(
  name: string,
  query: Query,
  signal: AbortSignal,
): AsyncGenerator<T, void, undefined> {
  const response = await fetch(address(name, query), { signal });
  const text = response.body!.pipeThrough(new TextDecoderStream());
  const reader = text.getReader();
  let rest = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) break;
    const parts = (rest + value).split("\n");
    rest = parts.pop()!;
    for (const part of parts) yield valueOf<T>(part);
  }
  if (rest !== "") yield valueOf<T>(rest);
}

function valueOf<T>(line: string): T {
  const value = JSON.parse(line);
  if (value.error) throw new Trouble(value.error);
  return value;
}

function address(name: string, query: Query): string {
  const parameters = Object.entries(query).map((
    [key, value],
  ) => [key, `${value}`]);
  return `api/${name}?${new URLSearchParams(parameters)}`;
}
