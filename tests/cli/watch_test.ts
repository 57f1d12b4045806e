import { MiniQueue } from "@mini/state/queue";
import { MiniStore } from "@mini/state/store";
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
// deno-lint-ignore mini/imports -- the seam to the process, so that no test needs one
import { run } from "../../cli/run.ts";
import { TestDirectory } from "../support/dir.ts";
import { linesOf } from "../support/mini.ts";

const CLEAR = "<clear>";

/** Runs a command that watches: each pause makes the next change, and the reader is gone after the last. */
async function watch(
  args: readonly string[],
  changes: readonly (() => Promise<unknown>)[],
  isInteractive = false,
): Promise<{ code: number; printed: string[]; told: string }> {
  const printed: string[] = [];
  let told = "";
  const left = [...changes];
  const code = await run([...args, "--watch"], {
    isInteractive,
    isPipe: !isInteractive,
    showsProgress: false,
    hasColour: false,
    columns: 80,
    write: (text) => Promise.resolve(void printed.push(text)),
    clear: () => Promise.resolve(void printed.push(CLEAR)),
    complain: (text) => void (told += text),
    now: () => performance.now(),
    async sleep() {
      const change = left.shift();
      if (change !== undefined) return void await change();
      throw Object.assign(new Error("gone"), { code: "EPIPE" });
    },
  });
  return { code, printed, told };
}

const nothing = () => Promise.resolve();

Deno.test("mini stat --watch prints a report for each change, and none where nothing has changed", async () => {
  await using directory = new TestDirectory();
  await using store = await MiniStore.open<string>(directory.at());
  await store.append("a");
  const append = () => store.append("b");
  const changes = [nothing, append, nothing, append, () => store.rotate()];
  const text = await watch(["stat", directory.path], changes);
  assertEquals([text.code, text.told], [0, ""]);
  assertEquals(text.printed.length, 4);
  const [first, ...others] = text.printed;
  assertStringIncludes(first!, "record 1 ");
  for (const other of others) assert(other.startsWith("\n"), other);
  assertStringIncludes(others[1]!, "records 1 to 3 ");
  assertStringIncludes(others[2]!, "2 segments");

  const path = ["stat", store.path, "--json"];
  const { printed } = await watch(path, [append, nothing, append]);
  const reports = printed.map((line) => linesOf(line));
  const lasts = reports.map(([report]) => (report as { last: number }).last);
  assertEquals(lasts, [3, 4, 5]);
});

Deno.test("mini stat --watch draws again on a cleared terminal", async () => {
  await using directory = new TestDirectory();
  await using store = await MiniStore.open<string>(directory.at());
  const append = () => store.append("a");
  const changes = [append, nothing];
  const { printed } = await watch(["stat", directory.path], changes, true);
  assertEquals(printed.map((text) => text === CLEAR), [
    true,
    false,
    true,
    false,
  ]);
  assertStringIncludes(printed[3]!, "record 1 ");
});

Deno.test("mini queue stats --watch sees the ledger and the inbox", async () => {
  await using directory = new TestDirectory();
  const dir = directory.path;
  {
    await using queue = await MiniQueue.open<string>(dir, { inbox: true });
    await queue.enqueue("a");
  }
  const changes = [
    () => MiniQueue.post(dir, "b"),
    nothing,
    async () => {
      await using queue = await MiniQueue.open<string>(dir, { inbox: true });
      await (await queue.receive())?.ack();
    },
  ];
  const args = ["queue", "stats", dir, "--json"];
  const { code, printed } = await watch(args, changes);
  assertEquals(code, 0);
  type Stats = { ready: number; posted: number };
  const seen = printed.flatMap((line) => linesOf(line) as Stats[])
    .map(({ ready, posted }) => [ready, posted]);
  assertEquals(seen, [[1, 0], [1, 1], [1, 0]]);
});

Deno.test("mini stat --watch ends with the reason where the log has gone", async () => {
  await using directory = new TestDirectory();
  {
    await using store = await MiniStore.open<string>(directory.at("log.jsonl"));
    await store.append("a");
  }
  const remove = () => Deno.remove(directory.at("log.jsonl"));
  const { code, told } = await watch(["stat", directory.path], [remove]);
  assertEquals(code, 2);
  assertStringIncludes(told, "there is no journal");
});
