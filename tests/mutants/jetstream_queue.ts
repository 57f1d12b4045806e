/** Mutants of the queue on JetStream. All of their tests need a nats-server. */
import type { Mutant } from "./mutant.ts";

const rows = {
  file: "tests/jetstream/queue_rows_test.ts",
  test: "JetStreamQueue",
};
const rules = {
  file: "tests/jetstream/queue_contract_test.ts",
  test: "JetStreamQueue as a Queue",
};
const flaws = {
  file: "tests/jetstream/queue_refusals_test.ts",
  test:
    "JetStreamQueue opens no stream that would lose messages, or belongs to something else",
};

function relay(test: string): Mutant["killedBy"] {
  return { file: "tests/jetstream/relay_test.ts", test };
}

const SETTLING: readonly Mutant[] = [
  {
    name: "settle-a-delivery-that-has-ended",
    file: "jetstream/queue/receipts.ts",
    edits: [[
      "if (!this.isCurrent(hold)) throw receiptExpired(hold.id, doing);",
      "if (doing === undefined) throw receiptExpired(hold.id, doing);",
    ]],
    killedBy: rows,
  },
  {
    name: "a-delivery-never-ends",
    file: "jetstream/queue/receipts.ts",
    edits: [[
      'if (hold.state === "open" && hold.deadline <= now()) this.lose(hold);',
      'if (hold.state === "open" && hold.deadline <= 0) this.lose(hold);',
    ]],
    killedBy: rules,
  },
  {
    name: "acknowledge-without-being-confirmed",
    file: "jetstream/queue/receipts.ts",
    edits: [[
      "await this.#calls.request(hold.reply, word, { timeoutMs });",
      "await this.#calls.nc.publish(hold.reply, word, timeoutMs ? {} : {});",
    ]],
    killedBy: rows,
  },
  {
    name: "tell-once-that-a-message-is-done",
    file: "jetstream/queue/receipts.ts",
    edits: [["forMs: hold.deadline - now(),", "forMs: 0,"]],
    killedBy: rows,
  },
  {
    name: "extend-by-one-timeout-alone",
    file: "jetstream/queue/receipts.ts",
    edits: [["    this.keep(hold, start + ms);\n", ""]],
    killedBy: rules,
  },
  {
    name: "time-out-while-the-handler-runs",
    file: "jetstream/queue/intake.ts",
    edits: [["if (isKept) receipts.keep", "if (!isKept) receipts.keep"]],
    killedBy: rules,
  },
];

const DEAD: readonly Mutant[] = [
  {
    name: "store-a-dead-letter-again-and-again",
    file: "jetstream/queue/dead_letters.ts",
    edits: [[
      "[MESSAGE_ID]: `${this.#names.stream}.${hold.id}`,",
      "[MESSAGE_ID]: crypto.randomUUID(),",
    ]],
    killedBy: rows,
  },
  {
    name: "acknowledge-before-the-dead-letter-is-stored",
    file: "jetstream/queue/dead_letters.ts",
    edits: [[
      "    await this.#publisher.store({\n",
      '    await this.#receipts.tell(hold, "+ACK", "acknowledge");\n' +
      "    await this.#publisher.store({\n",
    ]],
    killedBy: rows,
  },
  {
    name: "leave-a-dead-message-in-the-queue",
    file: "jetstream/queue/dead_letters.ts",
    edits: [[
      '    await this.#receipts.tell(hold, "+ACK", "acknowledge");\n',
      "",
    ]],
    killedBy: rows,
  },
  {
    name: "redrive-under-another-id-each-time",
    file: "jetstream/queue/producer.ts",
    edits: [[
      "[MESSAGE_ID]: `d.${key}`",
      "[MESSAGE_ID]: crypto.randomUUID() + key",
    ]],
    killedBy: rows,
  },
  {
    name: "remove-a-dead-letter-before-it-is-stored-again",
    file: "jetstream/queue/dead_letters.ts",
    edits: [[
      "        await jobs.store(again(letter, { body, index, key }), doing);\n" +
      "        await this.#remove(id);\n",
      "        await this.#remove(id);\n" +
      "        await jobs.store(again(letter, { body, index, key }), doing);\n",
    ]],
    killedBy: {
      file: flaws.file,
      test:
        "JetStreamQueue leaves a dead letter dead that cannot be stored again",
    },
  },
  {
    name: "deliver-beyond-the-last-attempt",
    file: "jetstream/queue/intake.ts",
    edits: [[
      "if (attempts > this.#options.maxAttempts) {",
      "if (attempts > Infinity) {",
    ]],
    killedBy: {
      file: "tests/jetstream/queue_worker_kill_test.ts",
      test:
        "killed workers lose no message, get none again that they have acknowledged, and leave the poisonous one dead",
    },
  },
];

const STORING: readonly Mutant[] = [
  {
    name: "try-again-under-another-id",
    file: "jetstream/queue/wire/publisher.ts",
    edits: [[
      "    const answer = await this.#calls.request(subject, body, { headers });\n",
      "    headers.set(MESSAGE_ID, crypto.randomUUID());\n" +
      "    const answer = await this.#calls.request(subject, body, { headers });\n",
    ]],
    killedBy: rows,
  },
  {
    name: "take-ones-own-message-for-another",
    file: "jetstream/queue/wire/publisher.ts",
    edits: [["(tries === 0 || (", "(tries >= 0 || ("]],
    killedBy: rows,
  },
  {
    name: "take-the-message-of-another-for-ones-own",
    file: "jetstream/queue/wire/publisher.ts",
    edits: [["(tries === 0 || (", "(tries !== 0 && ("]],
    killedBy: rules,
  },
  {
    name: "do-not-look-whether-a-batch-is-there",
    file: "jetstream/queue/wire/publisher.ts",
    edits: [["const found = tries > 0\n", "const found = tries < 0\n"]],
    killedBy: rows,
  },
  {
    name: "take-the-batch-of-another-for-ones-own",
    file: "jetstream/queue/wire/publisher.ts",
    edits: [["        if (isOther) throw taken(doing, error);\n", ""]],
    killedBy: rows,
  },
];

const STREAMS: readonly Mutant[] = [
  {
    name: "take-a-queue-in-memory",
    file: "jetstream/queue/streams.ts",
    edits: [['["retention", "storage"] as const', '["retention"] as const']],
    killedBy: flaws,
  },
  {
    name: "take-a-queue-that-forgets-what-is-old",
    file: "jetstream/queue/streams.ts",
    edits: [['["max_msgs", "max_age"] as const', '["max_msgs"] as const']],
    killedBy: flaws,
  },
  {
    name: "take-a-queue-that-discards-its-oldest",
    file: "jetstream/queue/streams.ts",
    edits: [[
      'if (found.max_bytes > 0 && found.discard !== "new") {',
      'if (found.max_bytes < -1 && found.discard !== "new") {',
    ]],
    killedBy: flaws,
  },
];

const RELAY: readonly Mutant[] = [
  {
    name: "relay-under-another-id-each-time",
    file: "jetstream/queue/relay.ts",
    edits: [[
      "`r.${ledger}.${id}`",
      "`r.${ledger}.${id}.${crypto.randomUUID()}`",
    ]],
    killedBy: relay(
      "relay moves a message once of which it could not learn that it is there",
    ),
  },
  {
    name: "relay-two-ledgers-of-a-state-as-one",
    file: "jetstream/queue/relay.ts",
    edits: [[
      "name === undefined ? logId : `${logId}.${name}`",
      "name === undefined ? logId : logId",
    ]],
    killedBy: relay("relay moves what two ledgers of one state send"),
  },
  {
    name: "acknowledge-what-was-not-moved",
    file: "jetstream/queue/relay.ts",
    edits: [[
      "throw new RetryLaterError(LATER_MS, messageOf(error));",
      "return LATER_MS as R;",
    ]],
    killedBy: relay(
      "relay leaves in the ledger what cannot be moved now, and makes a dead letter of what never can",
    ),
  },
];

export const JETSTREAM_QUEUE_MUTANTS: readonly Mutant[] = [
  ...SETTLING,
  ...DEAD,
  ...STORING,
  ...STREAMS,
  ...RELAY,
];
