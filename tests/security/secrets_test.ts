/** A secret in records, mutations, states, payloads and results is in no error, report, finding or line of a log. */
import { assert } from "@std/assert";
import { repair, salvage, stat, verify } from "@mini/state/admin";
import { MiniQueue, QueueView, type Schema } from "@mini/state/queue";
import { SnapStore } from "@mini/state/snap";
import { StateManager, StateView } from "@mini/state/state";
import { MiniStore } from "@mini/state/store";
import { MemoryFileSystem, Random } from "@mini/state/testing";
import { TestDirectory } from "../support/dir.ts";
import { damage } from "../support/hostile.ts";
import { content, INBOX, posted } from "../support/inbox.ts";
import { mini } from "../support/mini.ts";
import { say } from "../support/report.ts";
import {
  HIDDEN,
  listened,
  NUMBER,
  Said,
  SECRET,
  seed,
} from "../support/said.ts";
import { size } from "../support/size.ts";

const STATE = {
  initial: (): object[] => [],
  apply: (items: object[], item: object) => void items.push(item),
};

/** A folder of a state, with a consumer, two segments and two snapshots. */
async function stateFolder(): Promise<MemoryFileSystem> {
  const fs = new MemoryFileSystem();
  for (let life = 0; life < 2; life++) {
    await using state = await StateManager.open("/data", { ...STATE, fs });
    await state.apply(HIDDEN);
    await state.applyBatch([HIDDEN, HIDDEN]);
    await state.createSnapshot();
    await state.apply(HIDDEN);
  }
  await using store = await MiniStore.open("/data/journal.jsonl", { fs });
  await using consumer = await store.consumer("c");
  await consumer.reset(2);
  await store.rotate();
  await store.append({ apply: HIDDEN });
  return fs;
}

/** A folder of a queue with every kind of message. */
async function queueFolder(): Promise<MemoryFileSystem> {
  const fs = new MemoryFileSystem();
  await using queue = await MiniQueue.open<object, object>("/data", {
    fs,
    inbox: true,
    keepFinished: { count: 9 },
  });
  await queue.enqueueBatch([1, 2, 3, 4].map(() => ({ payload: HIDDEN })));
  await queue.compact();
  await (await queue.receive())!.ack(HIDDEN);
  await (await queue.receive())!.deadLetter("no route");
  await queue.update(4, { payload: HIDDEN });
  await queue.cancel(4, "not needed");
  await MiniQueue.post("/data", HIDDEN, { fs });
  return fs;
}

/** Everything that reads a folder, and tells of it. */
async function readAll(fs: MemoryFileSystem, said: Said): Promise<void> {
  const path = "/data/journal.jsonl";
  const options = { fs, onError: (error: unknown) => said.add(error) };
  await said.of(() => Array.fromAsync(MiniStore.replay(path, { fs })));
  await said.of(async () => said.add(await verify(path, { fs })));
  await said.of(async () => said.add(await stat(path, { fs })));
  await said.of(async () => {
    const snaps = new SnapStore("/data", { fs, readOnly: true });
    await snaps.restore();
    said.add(snaps.rejected);
  });
  for (const open of [StateView, StateManager]) {
    await said.of(async () => {
      const all = { ...STATE, ...options };
      await using state = await open.open<object[], object>("/data", all);
      if (!(state instanceof StateManager)) return;
      said.add([await state.health(), state.recovery]);
    });
  }
  await said.of(async () => {
    await using view = await QueueView.open("/data", options);
    said.add(await view.stats());
  });
  await said.of(async () => {
    await using queue = await MiniQueue.open("/data", {
      ...options,
      inbox: true,
    });
    said.add([await queue.health(), await queue.stats()]);
  });
  await said.of(async () => {
    await using consumer = await MiniStore.consumer(path, "c", { fs });
    const signal = AbortSignal.timeout(0);
    for await (const _ of consumer.follow({ signal })) break;
  });
  await said.of(async () =>
    said.add(await salvage(path, "/saved/journal.jsonl", { fs }))
  );
  await said.of(async () => said.add(await repair(path, { fs })));
}

Deno.test("no secret is in what is said of damaged folders", async () => {
  say(`secrets: seed ${seed}`);
  for (const make of [stateFolder, queueFolder]) {
    const whole = (await make()).snapshot();
    for (let life = 0; life < size(12, 1_000); life++) {
      const fs = new MemoryFileSystem(whole);
      fs.restart();
      const { what } = damage(fs, new Random(seed + life));
      const said = new Said();
      await listened(said, () => readAll(fs, said));
      said.check(`${make.name}: ${what}`);
    }
  }
});

Deno.test("no secret is in what is said of calls that fail", async () => {
  for (const make of [stateFolder, queueFolder]) {
    const whole = (await make()).snapshot();
    for (const code of ["EIO", "ENOSPC", "EACCES"]) {
      for (let at = 1; at < size(120, 400); at += size(20, 1)) {
        const fs = new MemoryFileSystem(whole);
        fs.restart();
        let calls = 0;
        fs.hooks.before = () => ++calls % at === 0 ? { code } : undefined;
        const said = new Said();
        await listened(said, async () => {
          await readAll(fs, said);
          await said.of(async () => {
            const state = await StateManager.open("/new", { ...STATE, fs });
            for (let turn = 0; turn < 3; turn++) {
              await said.of(() => state.apply(HIDDEN));
              await said.of(() => state.createSnapshot());
              await said.of(() => state.compact());
            }
            await state.close();
          });
          await said.of(async () => {
            await using queue = await MiniQueue.open<object>("/jobs", { fs });
            await said.of(() => queue.enqueue(HIDDEN));
            const message = await queue.receive();
            await said.of(() => message?.ack(HIDDEN));
            await said.of(() => queue.compact());
          });
        });
        said.check(`${make.name}: each ${at}th call fails with ${code}`);
      }
    }
  }
});

const REFUSING: Schema<object> = {
  "~standard": {
    validate: () => ({ issues: [{ message: "it must be something else" }] }),
  },
};

Deno.test("no secret is in what is said of values, calls and options that are refused", async () => {
  const said = new Said();
  const fs = new MemoryFileSystem();
  const lossy: object[] = [
    { ...HIDDEN, bad: undefined },
    { ...HIDDEN, bad: NaN },
    { ...HIDDEN, bad: () => SECRET },
    { ...HIDDEN, bad: Symbol(SECRET) },
    { ...HIDDEN, bad: new Map([[SECRET, SECRET]]) },
    { ...HIDDEN, bad: BigInt(NUMBER) },
    Object.assign([SECRET], { bad: SECRET }),
    { ...HIDDEN, long: SECRET.repeat(100) },
    { toJSON: () => HIDDEN, ...HIDDEN },
  ];
  await listened(said, async () => {
    await using store = await MiniStore.open<object>("/log/j", {
      fs,
      maxRecordBytes: 256,
    });
    await using state = await StateManager.open<object[], object>("/state", {
      fs,
      initial: () => [],
      apply: () => {
        throw new TypeError("it does not fit");
      },
    });
    await using queue = await MiniQueue.open<object, object>("/jobs", {
      fs,
      maxResultBytes: 64,
      onError: (error) => said.add(error),
    });
    for (const value of lossy) {
      await said.of(() => store.append(value));
      await said.of(() => store.appendSync(value));
      await said.of(() => store.appendBatch([HIDDEN, value]));
      await said.of(() => state.apply(value));
      await said.of(() => state.applyBatch([HIDDEN, value]));
      await said.of(() => queue.enqueue(value));
      await said.of(() => MiniQueue.post("/jobs", value, { fs }));
      await queue.enqueue(HIDDEN);
      const message = (await queue.receive())!;
      await said.of(() => message.ack(value));
      await said.of(() => message.ack(value));
      await said.of(() => message.nack());
      await said.of(() => message.extend(5));
    }
    await said.of(() => state.transact(() => HIDDEN));
    await said.of(() => queue.enqueue(HIDDEN, { delayMs: -1 }));
    await said.of(() => queue.enqueue(HIDDEN, { priority: NaN }));
    await said.of(() => queue.update(99, { payload: HIDDEN }));
    await queue.enqueue(HIDDEN);
    await queue.work(() => {
      throw new Error("a handler throws");
    }, { until: "empty" });
  });
  said.check("a value was refused");
  assert(said.texts.length > 50, `only ${said.texts.length}`);
});

Deno.test("no secret is in what is said of what a schema rejects", async () => {
  const said = new Said();
  const fs = new MemoryFileSystem();
  const onError = (error: unknown) => said.add(error);
  await listened(said, async () => {
    const options = { fs, schema: REFUSING };
    await using store = await MiniStore.open<object>("/other/j", options);
    await said.of(() => store.append(HIDDEN));
    await using queue = await MiniQueue.open("/jobs", {
      ...options,
      onError,
      inbox: true,
    });
    await said.of(() => queue.enqueue(HIDDEN));
    await MiniQueue.post("/jobs", HIDDEN, { fs });
    said.add([await queue.stats(), await queue.health()]);
  });
  said.check("a schema rejected it");
  assert(said.texts.length >= 4, `only ${said.texts.length}`);
});

Deno.test("no secret is in what is said of a file of an inbox", async () => {
  const said = new Said();
  const fs = new MemoryFileSystem();
  const onError = (error: unknown) => said.add(error);
  await using queue = await MiniQueue.open("/data", {
    fs,
    inbox: true,
    onError,
  });
  const texts = [
    `${SECRET}\n`,
    JSON.stringify(HIDDEN),
    content([HIDDEN]),
    content([{ payload: 1, group: HIDDEN }]),
    content([{ payload: 1, [SECRET]: 1 }]),
    content(HIDDEN),
    content([{ payload: HIDDEN }]).slice(0, -9),
    content([{ payload: HIDDEN }], 2),
    content([{ payload: HIDDEN }], SECRET),
  ];
  for (const [at, text] of texts.entries()) {
    fs.put(`${INBOX}/${posted(at)}`, new TextEncoder().encode(text));
  }
  await listened(said, async () => void await queue.stats());
  said.check("it was refused");
  assert(said.texts.length >= texts.length, `only ${said.texts.length}`);
});

Deno.test("mini prints no secret of a damaged folder but where it shows records", async () => {
  const whole = (await stateFolder()).snapshot();
  for (let life = 0; life < size(2, 50); life++) {
    const fs = new MemoryFileSystem(whole);
    fs.restart();
    const { what } = damage(fs, new Random(seed + life));
    await using directory = new TestDirectory();
    for (const name of fs.names("/data")) {
      const bytes = fs.content(`/data/${name}`)!;
      await Deno.writeFile(directory.at(name), bytes);
    }
    const said = new Said();
    const path = directory.at();
    for (const args of [["verify"], ["stat"], ["snapshots"], ["consumer"]]) {
      const { stdout, stderr } = await mini([...args, path]);
      said.add(stdout + stderr);
    }
    for (const args of [["dump"], ["state"], ["queue", "peek"], ["tail"]]) {
      said.add((await mini([...args, path])).stderr);
    }
    const { stdout, stderr } = await mini(["repair", path]);
    said.add(stdout + stderr);
    said.check(what);
  }
});
