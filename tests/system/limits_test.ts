// Limits of the system: the size of a file, open files, a disk that turns read-only.
import { assert, assertEquals } from "@std/assert";
import { MiniStore } from "@mini/state/store";
import { TestDirectory } from "../support/dir.ts";
import { errorOf, openAndRead } from "../support/journal.ts";
import { Mount, run, runUnderShell, skipped } from "../support/system.ts";

const hasShell = (await run("bash", "-c", "ulimit -n")).success;
const limitsFiles = (await run(
  "bash",
  "-c",
  "env --default-signal=XFSZ true && prlimit --fsize",
)).success;

/** The appends of a writer, by the answer that it was given. */
function byOutcome(stdout: string): Map<string, string[]> {
  const found = new Map<string, string[]>();
  for (const line of stdout.split("\n")) {
    const space = line.indexOf(" ");
    if (space === -1) continue;
    const outcome = line.slice(0, space);
    const data = line.slice(space + 1);
    found.set(outcome, [...found.get(outcome) ?? [], data]);
  }
  return found;
}

async function contents(path: string): Promise<unknown[]> {
  const opened = await openAndRead(path);
  if ("code" in opened) throw new Error(`refused: ${opened.code}`);
  return opened.data;
}

/** Ten records of which the file may hold five. */
const TOO_LARGE = ["10", "200000", "1048576"];

Deno.test("ulimit -f: what the file has no room for is refused, and a new segment continues", async () => {
  if (!limitsFiles) return skipped("ulimit -f", "there is no prlimit");
  await using directory = new TestDirectory();
  const { stdout } = await runUnderShell(
    `trap '' XFSZ; exec "$@"`,
    "telling_writer.ts",
    directory.at(),
    ...TOO_LARGE,
  );
  const told = byOutcome(stdout);
  assertEquals(
    [...told.keys()].sort(),
    ["NO_SPACE", "ok"],
    stdout.slice(0, 200),
  );
  assertEquals(await contents(directory.at()), told.get("ok"));
  assert(stdout.includes("rotated"));
  assert(stdout.endsWith("closed\n"));
  assertEquals(told.get("NO_SPACE")?.length, 1);
});

Deno.test("ulimit -f: a process that the system ends for it loses nothing that was acknowledged", async () => {
  if (!limitsFiles) return skipped("SIGXFSZ", "there is no prlimit");
  await using directory = new TestDirectory();
  const { success, stdout } = await runUnderShell(
    `exec env --default-signal=XFSZ "$@"`,
    "telling_writer.ts",
    directory.at(),
    ...TOO_LARGE,
  );
  const acknowledged = byOutcome(stdout).get("ok") ?? [];
  assert(!success && acknowledged.length > 0, stdout.slice(0, 200));
  const found = await contents(directory.at());
  assertEquals(found.slice(0, acknowledged.length), acknowledged);
});

Deno.test("ulimit -n: without another file a log continues in the one that it has", async () => {
  if (!hasShell) return skipped("ulimit -n", "there is no bash");
  await using directory = new TestDirectory();
  const { stdout, stderr } = await runUnderShell(
    `ulimit -n 512; exec "$@"`,
    "greedy_writer.ts",
    directory.at(),
  );
  assertEquals(
    stdout.trim().split("\n"),
    ["rotate IO", "append 2", "open IO", "rotate ok", "append 3", "open ok"],
    stderr,
  );
  assertEquals(await contents(directory.at()), ["a", "b", "c"]);
});

Deno.test("a log on a disk that is mounted read-only is refused, and can be read", async () => {
  const mount = await Mount.tmpfs("1m");
  if (typeof mount === "string") return skipped("a read-only disk", mount);
  await using _mount = mount;
  const path = mount.at("journal.jsonl");
  {
    await using store = await MiniStore.open<string>(path);
    await store.append("a");
  }
  await mount.remount("ro");
  const error = await errorOf(MiniStore.open(path));
  assert(["IO", "PERMISSION"].includes(error.code), error.code);
  const read = await Array.fromAsync(
    MiniStore.replay<string>(path),
    (record) => record.data,
  );
  assertEquals(read, ["a"]);
  await mount.remount("rw");
  assertEquals(await contents(path), ["a"]);
});

Deno.test("a log on a disk that turns read-only under it is poisoned, and can be read", async () => {
  const mount = await Mount.ext4("4m");
  if (typeof mount === "string") return skipped("a failing disk", mount);
  await using _mount = mount;
  const path = mount.at("journal.jsonl");
  const store = await MiniStore.open<string>(path);
  await store.append("a");
  const device = await run("findmnt", "-no", "SOURCE", mount.path);
  const name = device.stdout.trim().split("/").at(-1);
  const trigger = `/sys/fs/ext4/${name}/trigger_fs_error`;
  try {
    await Deno.writeTextFile(trigger, "1");
  } catch (error) {
    await store.close();
    return skipped("a disk that turns read-only", String(error));
  }
  assertEquals((await errorOf(store.append("b"))).code, "POISONED");
  assertEquals((await errorOf(store.append("c"))).code, "POISONED");
  const read = await Array.fromAsync(store.replay(), (record) => record.data);
  assertEquals(read, ["a"]);
  await store.close();
});
