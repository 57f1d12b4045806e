import type {
  EnqueueMessage,
  ProcessMessage,
  ReceiveMessage,
  SettleMessage,
  ToldQueue,
} from "../../queue/mod.ts";
import { type Operation, placeOf } from "../operation.ts";
import { SPANS } from "../registry.ts";
import { readHeaders, writeHeaders } from "../trace_context.ts";
import type { Attributes } from "../types.ts";

const SENT = "messaging.client.sent.messages";
const CONSUMED = "messaging.client.consumed.messages";

/** The attributes of what is done to a queue. One without a name has a directory of its own. */
export function ofQueue({ name, path }: ToldQueue): Attributes {
  return {
    "messaging.system.name": "mini-state",
    "messaging.destination.name": name ?? placeOf(path!),
  };
}

/** The name and the attributes of an operation on a queue. */
function begun(queue: ToldQueue, type: string, name = type) {
  const common: Attributes = {
    ...ofQueue(queue),
    "messaging.operation.type": type,
    "messaging.operation.name": name,
  };
  return { name: `${name} ${common["messaging.destination.name"]}`, common };
}

/** The attributes of the messages of an operation: the id of the only one, or their number. */
function about(messages: readonly { readonly id?: number }[]): Attributes {
  const [first] = messages;
  if (messages.length !== 1) {
    return { "messaging.batch.message_count": messages.length };
  }
  return first?.id === undefined
    ? {}
    : { "messaging.message.id": String(first.id) };
}

const isMutation = ({ by }: { readonly by: string }) => by === "mutation";

const ENQUEUE: Operation<EnqueueMessage> = {
  info: SPANS.enqueue,
  begin(message) {
    const { by, messages } = message;
    const [type, name] = by === "mutation"
      ? ["create", "enqueue"]
      : ["send", by];
    const links = messages.flatMap(({ headers }) => readHeaders(headers) ?? []);
    return { ...begun(message, type!, name), links };
  },
  pass({ messages }, context) {
    for (const message of messages) {
      // What the producer has set stays.
      if (message.headers?.traceparent !== undefined) continue;
      writeHeaders(context, message);
    }
  },
  isSync: isMutation,
  end: ({ messages }) => about(messages),
  measure(message, record) {
    if (!isMutation(message)) record(SENT, message.messages.length);
  },
};

const RECEIVE: Operation<ReceiveMessage> = {
  info: SPANS.receive,
  begin: (message) => begun(message, "receive"),
  end: ({ deliveries }) => about(deliveries!),
  linksAtEnd: ({ deliveries }) =>
    deliveries!.flatMap(({ headers }) => readHeaders(headers) ?? []),
  measure({ deliveries = [] }, record) {
    if (deliveries.length > 0) record(CONSUMED, deliveries.length);
  },
};

const PROCESS: Operation<ProcessMessage> = {
  info: SPANS.process,
  begin(message) {
    const { id, attempt, headers } = message;
    return {
      ...begun(message, "process"),
      own: {
        "messaging.message.id": String(id),
        "mini_state.message.attempt": attempt,
      },
      continues: readHeaders(headers) ?? "nothing",
    };
  },
  wrap(message, around) {
    const { within = (run) => run() } = message;
    message.within = (run) => within(() => around(run));
  },
  end: ({ outcome }) => ({ "mini_state.message.outcome": outcome! }),
  failure: ({ outcome }) =>
    outcome === "acked" || outcome === "cancelled" ? undefined : outcome,
  measure({ waitedMs }, record) {
    record(CONSUMED, 1);
    record("mini_state.message.wait.duration", waitedMs / 1_000);
  },
};

const SETTLEMENTS = {
  acked: "ack",
  retried: "nack",
  dead: "dead_letter",
  cancelled: "cancel",
} as const;

const SETTLE: Operation<SettleMessage> = {
  info: SPANS.settle,
  begin(message) {
    const { settlements } = message;
    const ends = new Set(settlements.map(({ as }) => SETTLEMENTS[as]));
    const [name] = ends.size === 1 ? ends : ["settle"];
    return { ...begun(message, "settle", name), own: about(settlements) };
  },
  isSync: isMutation,
};

/** The operations on a queue, one for each tracing channel. */
export const MESSAGING_OPERATIONS: readonly Operation<never>[] = [
  ENQUEUE,
  RECEIVE,
  PROCESS,
  SETTLE,
];
