import { assert, assertEquals } from "@std/assert";
import { MemoryFileSystem } from "@mini/state/testing";
import { openCounter } from "../support/counter.ts";
import { errorOf } from "../support/journal.ts";
import { hastyTimers } from "../support/timers.ts";
import { eventually, openView } from "../support/view.ts";

const JOURNAL = "/data/journal.jsonl";

const FAULTS = [
  ["EMFILE", "IO"],
  ["EACCES", "PERMISSION"],
  // Listed and gone, at every look.
  ["ENOENT", "IO"],
] as const;

/** A counter, a view of it, and the trouble that the view has with reading. */
async function readerInTrouble(fault: string) {
  const fs = new MemoryFileSystem();
  const counter = await openCounter("/data", { fs });
  await counter.apply({ by: 1 });
  const trouble = { failed: 0, isThere: false };
  const troubled = <T extends object>(target: T): T =>
    new Proxy(target, {
      get(_, name) {
        const member = Reflect.get(target, name, target);
        if (typeof member !== "function") return member;
        return (...args: unknown[]) => {
          const fails = trouble.isThere &&
            /^(open|stat|list|read)$/.test(String(name));
          if (!fails) {
            const given = member.apply(target, args);
            return name === "open" ? given.then(troubled) : given;
          }
          trouble.failed++;
          const error = Object.assign(new Error(fault), { code: fault });
          return Promise.reject(error);
        };
      },
    });
  const view = await openView(troubled(fs));
  trouble.isThere = true;
  // It looks at the log.
  await counter.apply({ by: 2 });
  return { counter, view, trouble };
}

for (const [fault, code] of FAULTS) {
  Deno.test(`StateView keeps its state while its log gives ${fault}, and continues after that`, async () => {
    const { counter, view, trouble } = await readerInTrouble(fault);
    await eventually(() => trouble.failed > 3 || view.failure !== undefined);
    assertEquals([view.state.value, view.failure], [1, undefined]);
    trouble.isThere = false;
    await view.until(2);
    assertEquals([view.state.value, view.failure], [3, undefined]);
    await view.close();
    await counter.close();
  });

  Deno.test(`StateView whose log gives ${fault} for long fails, and keeps its state`, async () => {
    using timers = hastyTimers();
    const { counter, view, trouble } = await readerInTrouble(fault);
    assertEquals((await errorOf(view.until(2))).code, code);
    assertEquals(view.state.value, 1);
    const pauses = Array.from({ length: 9 }, (_, at) => 20 * 2 ** at);
    assertEquals(timers.asked.filter((ms) => pauses.includes(ms)), pauses);
    trouble.isThere = false;
    await view.close();
    await counter.close();
  });
}

Deno.test("StateView that is closed while its log cannot be read stops trying", async () => {
  const { counter, view, trouble } = await readerInTrouble("EIO");
  await eventually(() => trouble.failed > 3 || view.failure !== undefined);
  await view.close();
  const { failed } = trouble;
  await new Promise((resolve) => setTimeout(resolve));
  assertEquals([trouble.failed, view.failure], [failed, undefined]);
  trouble.isThere = false;
  await counter.close();
});

Deno.test("StateView takes in a backup that is put in place file by file", async () => {
  const fs = new MemoryFileSystem();
  for (const [dir, times] of [["/data", 3], ["/backup", 2]] as const) {
    await using counter = await openCounter(dir, { fs });
    for (let time = 0; time < times; time++) await counter.apply({ by: times });
    await counter.createSnapshot();
  }
  await using view = await openView(fs);
  assertEquals(view.state.value, 9);
  let snapshotsRead = 0;
  fs.hooks.before = ({ operation, path }) => {
    if (operation === "open" && path.includes("snapshot_")) snapshotsRead++;
    return undefined;
  };
  fs.put("/data/new", fs.content("/backup/journal.jsonl")!.slice());
  await fs.rename("/data/new", JOURNAL);
  // That snapshot is not one of this log.
  await eventually(() => snapshotsRead > 1 || view.failure !== undefined);
  assertEquals([view.state.value, view.failure], [9, undefined]);
  for (const name of fs.names("/data")) {
    if (name.startsWith("snapshot")) fs.unlink(`/data/${name}`);
  }
  await eventually(() => view.resets > 0 || view.failure !== undefined);
  assertEquals([view.state.value, view.sequence], [4, 2]);
  assert(view.failure === undefined);
});
