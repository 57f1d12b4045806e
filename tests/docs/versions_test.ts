/** The table of versions in docs/FORMAT.md: what this code does not know is passed over, or refused and not touched. */
import { assertEquals } from "@std/assert";
import { basename } from "@std/path";
import { TestDirectory } from "../support/dir.ts";
import {
  folder,
  ID,
  log,
  PATH,
  position,
  SNAPSHOT,
  snapshot,
} from "../support/forged.ts";
import { contentOf, errorOf, JournalBytes } from "../support/journal.ts";
import { noPython, told } from "../support/read_journal.ts";
import {
  type Read,
  readConsumer,
  readLog,
  readParts,
  readQueue,
  readSnapshot,
  readState,
} from "../support/reads.ts";
import { skipped } from "../support/system.ts";
import { kindsInFormat } from "../support/written.ts";

/** Anything, also where a reader may look for the end of the line. */
const X = { x: { y: ['"}', "\n", null], data: 1, batch: [2] } };
const X_TEXT = '"x": {\n    "y": [\n      "\\"}"\n    ]\n  }';

/** A kind of file: how it is read, what then is in it, and folders in which newer code has added a field, or names its version. */
interface Kind {
  readonly read: Read;
  readonly holds: unknown;
  readonly withField: Readonly<Record<string, Record<string, string>>>;
  readonly newer: Record<string, string>;
}

const RECORDS = [{ seq: 1, data: { a: "}" } }, { seq: 2, batch: ["b", "c"] }];
const [RECORD, BATCH] = RECORDS as [object, object];
const MARKS = [{ close: 3 }, { close: 3 }];
const first = (fields: object) => ({ ...X, ...fields });
const last = (fields: object) => ({ ...fields, ...X });

const STATE = [
  { apply: "a", version: 2 },
  { apply: "no", version: 2 },
  { applyBatch: ["b", "c"], version: 2 },
  { abort: 2 },
];

function stateLog(change: (entry: object, at: number) => object): string {
  return log(STATE.map((entry, at) => ({
    seq: at + 1,
    data: change(entry, at),
  })));
}

const HEAD = `"mini": 1,\n  "seq": 2`;
const plain = new JournalBytes({ journal: ID }).records(1, 2);
const POSITION = {
  mini: 1,
  journal: ID,
  base: 0,
  seq: 2,
  chain: plain.chain,
};
const CONSUMER = `${PATH}.consumer.a`;

const MESSAGE = {
  id: 1,
  order: 1,
  at: 1,
  payload: "a",
  priority: 0,
  due: 0,
  attempts: 0,
  receipt: 0,
  inFlight: false,
};
const LEDGER = { at: 1, drift: 0, nextId: 2, nextOrder: 2, paused: false };
const parts = (...values: object[]) =>
  snapshot(
    `${HEAD},\n  "parts": [\n${
      values.map((value) => JSON.stringify(value)).join(",\n")
    }\n  ]`,
  );
const EMPTY = log([], { base: 2 });
const NOTE = `{"pid":1,"since":"2026-01-01T00:00:00.000Z","log":"${ID}"}\n`;

const KINDS: Readonly<Record<string, Kind>> = {
  "segment": {
    read: readLog,
    holds: [{ a: "}" }, "b", "c"],
    withField: {
      "its header": { [PATH]: log([...RECORDS, ...MARKS], X) },
      "a record, first": { [PATH]: log([first(RECORD), BATCH, ...MARKS]) },
      "a record, last": { [PATH]: log([last(RECORD), BATCH, ...MARKS]) },
      "a batch, first": { [PATH]: log([RECORD, first(BATCH), ...MARKS]) },
      "a batch, last": { [PATH]: log([RECORD, last(BATCH), ...MARKS]) },
      "the marks": { [PATH]: log([...RECORDS, ...MARKS.map(last)]) },
    },
    newer: { [PATH]: log(RECORDS, { mini: 2 }) },
  },
  "snapshot": {
    read: readSnapshot,
    holds: ["a"],
    withField: {
      "before the state": {
        [SNAPSHOT]: snapshot(
          `${HEAD},\n  ${X_TEXT},\n  "state": [\n    "a"\n  ]`,
        ),
      },
      "after the state": {
        [SNAPSHOT]: snapshot(
          `${HEAD},\n  "state": [\n    "a"\n  ],\n  ${X_TEXT}`,
        ),
      },
    },
    newer: {
      [SNAPSHOT]: snapshot(
        '"mini": 2,\n  "seq": 2,\n  "state": [\n    "a"\n  ]',
      ),
    },
  },
  "snapshot in parts": {
    read: readParts,
    holds: ["a", 2],
    withField: {
      "before the parts": {
        [SNAPSHOT]: snapshot(
          `${HEAD},\n  ${X_TEXT},\n  "parts": [\n"a",\n2\n  ]`,
        ),
      },
      "after the parts": {
        [SNAPSHOT]: snapshot(
          `${HEAD},\n  "parts": [\n"a",\n2\n  ],\n  ${X_TEXT}`,
        ),
      },
    },
    newer: {
      [SNAPSHOT]: snapshot('"mini": 2,\n  "seq": 2,\n  "parts": [\n"a"\n  ]'),
    },
  },
  "position of a consumer": {
    read: readConsumer,
    holds: 2,
    withField: {
      "first": { [PATH]: plain.text, [CONSUMER]: position(first(POSITION)) },
      "last": { [PATH]: plain.text, [CONSUMER]: position(last(POSITION)) },
    },
    newer: {
      [PATH]: plain.text,
      [CONSUMER]: position({ ...POSITION, mini: 2 }),
    },
  },
  "mutation of a state": {
    read: readState,
    holds: ["a", "b", "c"],
    withField: {
      "first": { [PATH]: stateLog(first) },
      "last": { [PATH]: stateLog(last) },
    },
    newer: {
      [PATH]: stateLog((entry, at) =>
        at === 2 ? { ...entry, version: 3 } : entry
      ),
    },
  },
  "ledger of a queue": {
    read: readQueue,
    holds: ["a"],
    withField: {
      "a message": {
        [PATH]: EMPTY,
        [SNAPSHOT]: parts(LEDGER, { message: last(MESSAGE) }),
      },
      "a key": {
        [PATH]: EMPTY,
        [SNAPSHOT]: parts(LEDGER, { message: MESSAGE }, {
          dedupe: last({ key: "k", until: 9, id: 1 }),
        }),
      },
    },
    newer: {
      [PATH]: EMPTY,
      [SNAPSHOT]: parts({ ...LEDGER, v: 3 }, { message: MESSAGE }),
    },
  },
  "entry of a queue": {
    read: readQueue,
    holds: ["a"],
    withField: {},
    newer: {
      [PATH]: log([{ seq: 1, data: { apply: { at: 1, v: 3, tick: true } } }]),
    },
  },
  "note of a lock": {
    read: readLog,
    holds: ["record 1", "record 2"],
    withField: {
      "last": {
        [PATH]: plain.text,
        [`${PATH}.lock`]: NOTE.replace("}", ',"x":{"log":1}}'),
      },
    },
    newer: {},
  },
};

/** Kinds that refuse a field, or say nothing of a version; the tests of the queue and the store have them. */
const OTHERS = [
  "file of an inbox",
  "torn end",
  "unfinished copy",
  "journal of the Rust crate",
];

Deno.test("each kind in the table of docs/FORMAT.md is one that is tried here, or elsewhere", async () => {
  const known = [...Object.keys(KINDS), ...OTHERS].sort();
  assertEquals(await kindsInFormat(), known);
});

for (const [kind, { read, holds, withField, newer }] of Object.entries(KINDS)) {
  for (const [where, files] of Object.entries(withField)) {
    Deno.test(`a field that this code does not know is passed over in the ${kind}: ${where}`, async () => {
      assertEquals(await read(folder(files)), holds);
    });
  }
  if (Object.keys(newer).length === 0) continue;
  Deno.test(`the ${kind} of a newer version is UNSUPPORTED_FORMAT, and is not touched`, async () => {
    const fs = folder(newer);
    const before = contentOf(fs);
    assertEquals((await errorOf(read(fs))).code, "UNSUPPORTED_FORMAT");
    assertEquals(contentOf(fs), before);
  });
}

const missing = await noPython();
if (missing !== undefined) {
  skipped(
    "fields that a reader made from docs/FORMAT.md does not know",
    missing,
  );
} else {
  Deno.test("a reader made from docs/FORMAT.md passes over the same fields, and refuses the same versions", async () => {
    await using directory = new TestDirectory();
    const cases: [path: string, isNewer: boolean, what: string][] = [];
    for (
      const kind of [
        "segment",
        "snapshot",
        "snapshot in parts",
        "position of a consumer",
      ]
    ) {
      const { withField, newer } = KINDS[kind]!;
      const folders = Object.entries({ ...withField, newer });
      for (const [where, files] of folders) {
        const dir = directory.at(`${cases.length}`);
        await Deno.mkdir(dir);
        for (const [path, text] of Object.entries(files)) {
          await Deno.writeTextFile(`${dir}/${basename(path)}`, text);
        }
        const read = Object.keys(files).at(-1)!;
        cases.push([
          `${dir}/${basename(read)}`,
          where === "newer",
          `${kind}: ${where}`,
        ]);
      }
    }
    const verdicts = await told(cases.map(([path]) => path));
    for (const [at, [, isNewer, what]] of cases.entries()) {
      const verdict = verdicts[at]!.at(-1)!;
      assertEquals(verdict === "UNSUPPORTED_FORMAT", isNewer, what);
      assertEquals(/^[A-Z_]+$/.test(verdict), isNewer, `${what}: ${verdict}`);
    }
  });
}
