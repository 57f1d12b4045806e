import type { NatsConnection } from "@nats-io/nats-core";

/** A request that has been answered. */
export interface Answered {
  readonly subject: string;
  readonly body: string;
}

/** The same connection, but for the answers that get lost: the servers have done what was asked. */
export function losing(
  nc: NatsConnection,
  isLost: (request: Answered) => boolean,
): NatsConnection {
  return changed(nc, {
    async request(subject, body = "", options) {
      const answer = await nc.request(subject, body, options);
      const text = typeof body === "string"
        ? body
        : new TextDecoder().decode(body);
      if (!isLost({ subject, body: text })) return answer;
      const error = new Error("the answer is lost");
      error.name = "TimeoutError";
      throw error;
    },
  });
}

/** The same connection, but for some of its parts. */
export function changed(
  nc: NatsConnection,
  parts: Partial<NatsConnection>,
): NatsConnection {
  return new Proxy(nc, {
    get(target, name) {
      if (name in parts) return Reflect.get(parts, name);
      const value = Reflect.get(target, name);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
}

/** Says yes once, to the first request that fits. */
export function once(
  fits: (request: Answered) => boolean,
): (request: Answered) => boolean {
  let isDone = false;
  return (request) => {
    if (isDone || !fits(request)) return false;
    return isDone = true;
  };
}
