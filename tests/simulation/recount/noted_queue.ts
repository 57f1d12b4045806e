import type { MiniQueue, QueueMessage } from "@mini/state/queue";
import type { Answers } from "./answers.ts";

/** A queue whose callers' answers are taken down. */
export function noted<M>(
  queue: MiniQueue<string, unknown, M>,
  answers: Answers,
): MiniQueue<string, unknown, M> {
  type Message = QueueMessage<string, unknown, M>;
  const notedMessage = (message: Message): Message => {
    const settled = (as: string) => () =>
      void answers.settled.push(`${message.id} ${as}`);
    return replacing(message, {
      ack: (result) => message.ack(result).then(settled("acked")),
      nack: (options) => message.nack(options).then(settled("nacked")),
      deadLetter: (reason) => message.deadLetter(reason).then(settled("dead")),
    });
  };
  return replacing(queue, {
    enqueueBatch: async (messages) => {
      const enqueued = await queue.enqueueBatch(messages);
      answers.enqueued.push(...enqueued);
      return enqueued;
    },
    receiveBatch: async (max, options) => {
      const messages = await queue.receiveBatch(max, options);
      answers.received.push(...messages.map(deliveryOf));
      return messages.map(notedMessage);
    },
    work: (handler, options) =>
      queue.work((message, context) => {
        answers.handled.push(deliveryOf(message));
        return handler(notedMessage(message), context);
      }, options),
    cancel: async (id, reason) => {
      const result = await queue.cancel(id, reason);
      const isSo = result === "cancelled" || result === "stopping";
      if (isSo) answers.cancelled.push(id);
      return result;
    },
  });
}

function deliveryOf(
  { id, attempts }: { id: number; attempts: number },
): string {
  return `${id} ${attempts}`;
}

/** An object with some methods replaced. */
function replacing<T extends object>(of: T, methods: Partial<T>): T {
  return new Proxy(of, {
    get(target, name) {
      const own = Reflect.get(methods, name);
      if (own !== undefined) return own;
      const value = Reflect.get(target, name, target);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
}
