// A directory knows whether it holds a state or a queue.
import { assert, assertEquals, assertRejects } from "@std/assert";
import { applyToLedger, emptyLedger, MiniQueue } from "@mini/state/queue";
import { type Snapshots, StateManager } from "@mini/state/state";
import { MemoryFileSystem } from "@mini/state/testing";
import { errorOf } from "../support/journal.ts";
import { type Counter, openCounter } from "../support/counter.ts";

/** All that is on a disk, but for locks. */
async function files(fs: MemoryFileSystem): Promise<Record<string, string>> {
  const found: Record<string, string> = {};
  for (const name of await fs.list("/data")) {
    const text = new TextDecoder().decode(fs.content(`/data/${name}`));
    if (!name.endsWith(".lock")) found[name] = text;
  }
  return found;
}

Deno.test("StateManager.open() continues where the snapshot that tells the kind cannot be closed, and leaves no file open", async () => {
  const fs = new MemoryFileSystem();
  {
    await using counter = await openCounter("/data", { fs });
    await counter.apply({ by: 1 });
    await counter.createSnapshot();
  }
  for (const fault of [undefined, { code: "EIO" }]) {
    let openFiles = 0;
    let isFirst = true;
    fs.hooks.before = ({ operation, path }) => {
      if (operation === "open" && fs.content(path)) openFiles++;
      if (operation !== "close") return undefined;
      openFiles--;
      if (!isFirst || !path.endsWith(".json")) return undefined;
      isFirst = false;
      return fault;
    };
    const counter = await openCounter("/data", { fs });
    assertEquals([counter.state.value, isFirst], [1, false]);
    await counter.close();
    assertEquals(openFiles, 0);
  }
});

/** Puts something into a directory, and closes it. */
type Fill = (fs: MemoryFileSystem) => Promise<void>;

const STATES: Record<string, Fill> = {
  "of one mutation": async (fs) => {
    await using counter = await openCounter("/data", { fs });
    await counter.apply({ by: 1 });
  },
  "of several that are one": async (fs) => {
    await using counter = await openCounter("/data", { fs });
    await counter.applyBatch([{ by: 1 }, { by: 2 }]);
  },
  "that was opened empty first": async (fs) => {
    await (await openCounter("/data", { fs })).close();
    await using counter = await openCounter("/data", { fs });
    await counter.apply({ by: 1 });
  },
  "of which only a snapshot is left": async (fs) => {
    await using counter = await openCounter("/data", {
      fs,
      keepSnapshots: 1,
    });
    await counter.apply({ by: 1 });
    await counter.compact();
  },
  "whose first mutations are text": async (fs) => {
    await using manager = await StateManager.open<string, unknown>("/data", {
      fs,
      initial: () => "",
      apply: (state) => state,
    });
    for (let count = 0; count < 11; count++) await manager.apply("text");
    await manager.apply({ foo: 1 });
  },
  "whose first mutation was aborted": async (fs) => {
    await using counter = await openCounter("/data", { fs });
    await counter.apply({ by: 1, fail: true }).catch(() => {});
    await counter.apply({ by: 2 });
  },
};

const QUEUES: Record<string, Fill> = {
  "with a message": async (fs) => {
    await using queue = await MiniQueue.open("/data", { fs });
    await queue.enqueue("hello");
  },
  "whose first record is no message": async (fs) => {
    await using queue = await MiniQueue.open("/data", { fs });
    await queue.pause();
    await queue.enqueue({ at: 1, apply: "a mutation" }, { delayMs: 1 });
  },
  "that was paused many times first": async (fs) => {
    await using queue = await MiniQueue.open("/data", { fs });
    for (let count = 0; count < 50; count++) {
      await queue.pause();
      await queue.resume();
    }
    await queue.enqueue("hello");
  },
  "of which only a snapshot is left": async (fs) => {
    await using queue = await MiniQueue.open("/data", { fs, keepSnapshots: 1 });
    await queue.enqueue("hello");
    await queue.compact();
  },
};

for (const [what, fill] of Object.entries(STATES)) {
  Deno.test(`MiniQueue.open() refuses the directory of a state ${what}, and changes nothing`, async () => {
    const fs = new MemoryFileSystem();
    await fill(fs);
    const before = await files(fs);
    const error = await assertRejects(
      () => MiniQueue.open("/data", { fs }),
      TypeError,
      'Cannot open "/data" as a queue: it holds a state',
    );
    assert(error.message.endsWith("nothing was changed"), error.message);
    assertEquals(await files(fs), before);
    await (await openCounter("/data", { fs })).close();
  });
}

for (const [what, fill] of Object.entries(QUEUES)) {
  Deno.test(`StateManager.open() refuses the directory of a queue ${what}, and changes nothing`, async () => {
    const fs = new MemoryFileSystem();
    await fill(fs);
    const before = await files(fs);
    await assertRejects(
      () => openCounter("/data", { fs }),
      TypeError,
      'Cannot open "/data" as a state: it holds a queue',
    );
    assertEquals(await files(fs), before);
    await using queue = await MiniQueue.open("/data", { fs });
    const { ready, delayed, blocked } = await queue.stats();
    assertEquals(ready + delayed + blocked, 1);
  });
}

Deno.test("MiniQueue.open() takes no record that is cut off, or damaged, for that of a state", async () => {
  const whole = new MemoryFileSystem();
  const queue = await MiniQueue.open("/data", { fs: whole });
  await queue.pause();
  await queue.resume();
  whole.restart();
  const path = "/data/journal.jsonl";
  const bytes = whole.content(path)!;
  const last = bytes.lastIndexOf(0x0a, -2) + 1;
  for (let length = last; length < bytes.length; length++) {
    const fs = new MemoryFileSystem(whole.snapshot());
    fs.put(path, bytes.slice(0, length));
    await (await MiniQueue.open("/data", { fs })).close();
    const nuls = bytes.slice().fill(0, length, length + 8);
    const flipped = bytes.slice();
    flipped[length]! ^= 1;
    for (const damaged of [nuls, flipped, flipped.slice(0, -1)]) {
      fs.put(path, damaged);
      await MiniQueue.open("/data", { fs }).then(
        (queue) => queue.close(),
        (error) => assertEquals(error.code, "CORRUPT", error.message),
      );
    }
  }
});

Deno.test("StateManager.open() takes mutations that look like entries of a queue for what they are", async () => {
  const fs = new MemoryFileSystem();
  const seen = {
    fs,
    initial: (): unknown[] => [],
    apply: (state: unknown[], mutation: unknown) => [...state, mutation],
  };
  const mutations = [
    { at: 1_767_225_600_000, paused: true },
    { at: 2, tick: true },
    { at: 3, receive: [1] },
    { at: 4, enqueue: ["a song"] },
    { at: 4, enqueue: [] },
    [{ enqueue: [] }],
    null,
    {},
    { at: 5, say: '"data":{"apply":{"at":1,"enqueue":[{"id":1,"payload":2' },
    {
      data: { apply: { at: 1, enqueue: [{ id: 1, payload: 2 }] } },
    },
  ];
  for (const mutation of mutations) {
    await using manager = await StateManager.open("/data", seen);
    await manager.apply(mutation);
  }
  await using manager = await StateManager.open("/data", seen);
  assertEquals(manager.state, mutations);
});

Deno.test("MiniQueue.open() leaves it to its codec to refuse a state in parts of which nothing tells", async () => {
  const fs = new MemoryFileSystem();
  {
    await using counter = await openCounter("/data", {
      fs,
      keepSnapshots: 1,
      codec: {
        encode: ({ value }) => [value].values(),
        decode: () => ({ value: 0, log: [] }),
      },
    });
    await counter.apply({ by: 1 });
    await counter.compact();
  }
  const error = await errorOf(MiniQueue.open("/data", { fs }));
  assertEquals(error.code, "UNSUPPORTED_FORMAT");
});

Deno.test("a directory that nothing tells of is opened as what it is opened as", async () => {
  const fs = new MemoryFileSystem();
  await (await openCounter("/data", { fs })).close();
  await (await MiniQueue.open("/data", { fs })).close();
  await (await openCounter("/data", { fs })).close();
});

Deno.test("MiniQueue.open() falls back where its newest snapshot is damaged, and takes it for nobody else's", async () => {
  const fs = new MemoryFileSystem();
  {
    await using queue = await MiniQueue.open("/data", { fs });
    await queue.enqueue("hello");
    await queue.compact();
    await queue.pause();
    await queue.compact();
  }
  const [, name] = (await fs.list("/data")).filter((name) =>
    name.startsWith("snapshot_")
  );
  const path = `/data/${name}`;
  const bytes = fs.content(path)!;
  bytes[new TextDecoder().decode(bytes).indexOf('"nextOrder"') + 2]! ^= 1;
  fs.put(path, bytes);
  await using queue = await MiniQueue.open("/data", { fs });
  assertEquals((await queue.stats()).ready, 1);
});

Deno.test("StateManager.open() looks at the first records alone, and opens what they do not tell of", async () => {
  const fs = new MemoryFileSystem();
  const length = {
    fs,
    initial: () => 0,
    apply: (state: number, text: string) => state + text.length,
  };
  {
    await using manager = await StateManager.open("/data", length);
    for (const text of ["a", "b", "c"]) {
      await manager.apply(text.repeat(40_000));
    }
  }
  await using manager = await StateManager.open("/data", length);
  assertEquals(manager.state, 120_000);
});

Deno.test("StateManager.open() opens the directory of a queue where it is told that it is one", async () => {
  const fs = new MemoryFileSystem();
  {
    await using queue = await MiniQueue.open<string>("/data", { fs });
    await queue.enqueue("hello");
  }
  const ledger = {
    fs,
    kind: "queue" as const,
    initial: () => emptyLedger<string>(),
    apply: applyToLedger<string>,
  };
  await using manager = await StateManager.open("/data", ledger);
  assertEquals(manager.state.messages[1]?.payload, "hello");
});

Deno.test("StateManager.open() goes by its records where a snapshot of the caller's cannot be read", async () => {
  const fs = new MemoryFileSystem();
  {
    await using queue = await MiniQueue.open<string>("/data", { fs });
    await queue.enqueue("hello");
  }
  const snapshots: Snapshots<Counter> = {
    create: () => Promise.reject(new Error("never called")),
    restore: () => Promise.resolve(undefined),
    list: () => Promise.resolve([{ path: "/none", seq: 1, sizeBytes: 1 }]),
  };
  await assertRejects(
    () => openCounter("/data", { fs, snapshots }),
    TypeError,
    "it holds a queue",
  );
});
