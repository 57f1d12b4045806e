import type { Msg, Payload } from "@nats-io/nats-core";

/** A message as JetStream keeps it. */
export interface Kept {
  readonly subject: string;
  readonly hdrs: string;
  readonly data: Uint8Array;
}

/** A stream. */
export interface FakeStream {
  config: Record<string, unknown> & { name: string; subjects?: string[] };
  readonly messages: Map<number, Kept>;
  first: number;
  last: number;
}

/** Whether a subject is one of a pattern. */
export function fits(subject: string, pattern: string): boolean {
  const source = pattern.replaceAll(".", "\\.").replaceAll("*", "[^.]+")
    .replace(/>$/, ".+");
  return new RegExp(`^${source}$`).test(subject);
}

/** The last message of a subject, up to one. */
export function lastOf(
  { messages }: FakeStream,
  subject: string,
  end: number = Infinity,
): (Kept & { readonly seq: number }) | undefined {
  const all = [...messages].reverse();
  const last = all.find(([at, message]) =>
    at <= end && message.subject === subject
  );
  return last && { seq: last[0], ...last[1] };
}

/** The answer to a request for a message. */
export function found(
  stream: FakeStream,
  { seq = 0, "next_by_subj": next, "last_by_subj": last }: {
    readonly seq?: number;
    readonly "next_by_subj"?: string;
    readonly "last_by_subj"?: string;
  },
  isStale: boolean,
): object {
  const none = failed(10037, "no message found");
  // It lacks the last two.
  const end = isStale ? stream.last - 2 : stream.last;
  const at = last !== undefined
    ? lastOf(stream, last, end)?.seq
    : next === undefined
    ? seq
    : [...stream.messages].find(([each, { subject }]) =>
      each >= seq && fits(subject, next)
    )?.[0];
  if (at === undefined || at > end) return none;
  const message = stream.messages.get(at);
  if (message === undefined) return none;
  const { subject, hdrs, data } = message;
  const raw = { seq: at, subject, hdrs: btoa(hdrs), data: base64(data) };
  return { message: raw };
}

/** The answers of a server that may lack the last two messages to a request for a row of them. */
export function* rowOf(
  { messages, config, last }: FakeStream,
  { seq, batch, "max_bytes": maxBytes }: Record<string, number>,
  isStale: boolean,
): Generator<Msg, void, undefined> {
  const end = isStale ? last - 2 : last;
  let [count, size] = [0, 0];
  for (const [at, { subject, hdrs, data }] of messages) {
    if (at < seq! || at > end) continue;
    if (++count > batch! || (size += data.length) > maxBytes!) return;
    const all = new Map(linesOf(hdrs).map(([name, value]) => [name, [value]]));
    all.set("Nats-Stream", [config.name]);
    all.set("Nats-Subject", [subject]);
    all.set("Nats-Sequence", [`${at}`]);
    yield { data, headers: all as unknown } as Msg;
  }
  if (count === 0) yield statusOf(404, "Message Not Found");
}

/** The headers in the text of them. */
function linesOf(hdrs: string): [name: string, value: string][] {
  return hdrs.split("\r\n").filter((line) => line.includes(": "))
    .map((line) => line.split(": ") as [string, string]);
}

/** An answer that is no message. */
export function statusOf(code: number, description: string): Msg {
  const headers = Object.assign(new Map(), { code, description });
  return { data: new Uint8Array(0), headers: headers as unknown } as Msg;
}

/** A payload as bytes. */
export function bytesOf(payload: Payload): Uint8Array {
  return typeof payload === "string"
    ? new TextEncoder().encode(payload)
    : payload;
}

function base64(bytes: Uint8Array): string {
  return btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""));
}

/** Removes messages. */
export function purge(
  stream: FakeStream,
  { seq = Infinity, filter = ">" }: { seq?: number; filter?: string },
): void {
  for (const [at, { subject }] of stream.messages) {
    if (at < seq && fits(subject, filter)) stream.messages.delete(at);
  }
  const [first = stream.last + 1] = stream.messages.keys();
  stream.first = first;
}

/** The answer to who asks for settings and state. */
export function infoOf(
  { config, messages, first, last }: FakeStream,
  { "subjects_filter": filter }: Record<string, string>,
): object {
  const subjects: Record<string, number> = {};
  for (const { subject } of filter ? messages.values() : []) {
    if (!fits(subject, filter!)) continue;
    subjects[subject] = (subjects[subject] ?? 0) + 1;
  }
  return {
    config,
    state: {
      "first_seq": first,
      "last_seq": last,
      messages: messages.size,
      subjects,
    },
    success: true,
  };
}

/** An answer that says no. */
export function failed(code: number, description: string): object {
  return { error: { code: 400, "err_code": code, description } };
}
