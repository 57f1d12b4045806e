import { assert, assertEquals } from "@std/assert";
import { adopt } from "@mini/state/admin";
import { type FileSystem, type MiniError, MiniStore } from "@mini/state/store";
import {
  explore,
  MemoryFileSystem,
  sweepFaults,
  type Workload,
} from "@mini/state/testing";
import { report } from "../support/report.ts";
import { sampled, sampledCalls } from "../support/size.ts";

const FILE = "/in/app.log";
const PATH = "/data/journal.jsonl";

/** A file system, and beside it a file that nothing happens to. */
function beside(fs: FileSystem, source: MemoryFileSystem): FileSystem {
  return new Proxy(fs, {
    get(_, name: keyof FileSystem) {
      const call = (...args: unknown[]) => {
        const from: FileSystem = args[0] === FILE ? source : fs;
        return (from[name] as (...args: unknown[]) => unknown)(...args);
      };
      return fs[name] === undefined ? undefined : call;
    },
  });
}

/** Adopts a file of these records: all of them are there, or nothing that opens. */
function adopting(items: readonly string[]): Workload<string> {
  const text = items.map((item) => `${JSON.stringify(item)}\n`).join("");
  const source = new MemoryFileSystem();
  source.put(FILE, new TextEncoder().encode(text));
  const run = (fs: FileSystem) => adopt(FILE, PATH, { fs: beside(fs, source) });
  const read = async (fs: FileSystem) =>
    await Array.fromAsync(
      MiniStore.replay<string>(PATH, { fs }),
      ({ data }) => data,
    );
  return {
    name: `adopt ${items.length} records`,
    async run(fs, log) {
      const unit = log.issue(...items);
      await run(fs);
      log.ack(unit);
    },
    async recover(fs) {
      try {
        return await read(fs);
      } catch (error) {
        const { code } = error as MiniError;
        if (!["NOT_FOUND", "UNSUPPORTED_FORMAT"].includes(code)) throw error;
      }
      // As somebody does who runs it again.
      await run(fs);
      const names = await fs.list("/data");
      assertEquals(names.filter((name) => name.includes(".part")), []);
      return await read(fs);
    },
    async append(fs, record) {
      await using store = await MiniStore.open<string>(PATH, { fs });
      await store.append(record);
    },
    extra: "after",
  };
}

const workload = adopting(["a", "b", "c".repeat(100)]);

Deno.test("mini adopt survives a power cut after every call: all is there, or nothing that opens", async () => {
  const found = await explore(workload, sampled(16));
  report(`power cuts of ${workload.name}`, [found]);
  assertEquals(found.violations.slice(0, 3), []);
  assert(found.states > 10, `${found.states} states`);
});

Deno.test("mini adopt survives every call failing, once and from then on", async () => {
  const faults = [{ code: "EIO", keepBytes: 40 }, { code: "ENOSPC" }];
  const options = { faults, cuts: "none", crashRecoveryOneIn: 200 } as const;
  const found = await sweepFaults(workload, {
    ...options,
    ...sampledCalls(4, 64),
  });
  report(`failing calls of ${workload.name}`, [found]);
  assertEquals(found.violations.slice(0, 3), []);
  assert(found.states > 10, `${found.states} states`);
});
