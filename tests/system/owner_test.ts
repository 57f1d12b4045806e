// Root at work in the folder of a service: the service must be able to continue.
import { assert, assertEquals } from "@std/assert";
import { join } from "@std/path";
import { MiniQueue } from "@mini/state/queue";
import { StateManager } from "@mini/state/state";
import { MiniStore } from "@mini/state/store";
import { TestDirectory } from "../support/dir.ts";
import { errorOf } from "../support/journal.ts";
import {
  contentsOf,
  copyFolder,
  fixture,
  miniCommand,
} from "../support/mini.ts";
import { denoArgs, run, skipped } from "../support/system.ts";

/** No user of this system has such a number. */
const SERVICE = 54_321;
const AS_SERVICE = [
  `--reuid=${SERVICE}`,
  `--regid=${SERVICE}`,
  "--clear-groups",
];
const WITHOUT_CHOWN = ["--bounding-set=-chown", "--inh-caps=-chown"];

/** Why none of this can be tested here; `undefined` where it can. */
async function obstacle(): Promise<string | undefined> {
  if (Deno.build.os !== "linux") return "it takes setpriv";
  if (Deno.uid() !== 0) return "it takes root";
  for (const options of [AS_SERVICE, WITHOUT_CHOWN]) {
    const { success, stderr } = await run("setpriv", ...options, "true");
    if (!success) return stderr;
  }
  return undefined;
}

/** Gives a folder and its files to the service. */
async function give(dir: string, mode = 0o600): Promise<void> {
  await Deno.chown(dir, SERVICE, SERVICE);
  for await (const { name } of Deno.readDir(dir)) {
    await Deno.chmod(join(dir, name), mode);
    await Deno.chown(join(dir, name), SERVICE, SERVICE);
  }
}

/** Asserts that all in a folder is the service's, which can read and write it. */
async function assertUsable(dir: string, mode = 0o600): Promise<string[]> {
  const names: string[] = [];
  for await (const { name } of Deno.readDir(dir)) {
    names.push(name);
    const found = await Deno.stat(join(dir, name));
    const rights = [found.uid, found.gid, found.mode! & 0o777];
    assertEquals(rights, [SERVICE, SERVICE, mode], name);
  }
  const each =
    'for file in "$0"/*; do cat "$file" && : >> "$file" || exit 1; done';
  const { success, stderr } = await run(
    ...["setpriv", ...AS_SERVICE] as const,
    ...["sh", "-c", each, dir],
  );
  assert(success, stderr);
  return names.sort();
}

/** A journal in a folder of the service's, which was killed while it wrote. */
async function torn(directory: TestDirectory, mode?: number): Promise<string> {
  await Deno.chmod(directory.path, 0o755);
  const dir = directory.at("data");
  const path = join(dir, "journal.jsonl");
  {
    await using state = await StateManager.open(dir, {
      initial: () => 0,
      apply: (state, by: number) => state + by,
    });
    await state.apply(1);
  }
  await Deno.writeTextFile(path, '{"crc":"', { append: true });
  await give(dir, mode);
  return dir;
}

const why = await obstacle();
if (why !== undefined) skipped("the files of others", why);
else {
  for (const mode of [0o600, 0o640]) {
    Deno.test(`a state that root opens after a crash stays the service's, mode ${mode.toString(8)}, with --allow-read=DIR --allow-write=DIR alone`, async () => {
      await using directory = new TestDirectory();
      const dir = await torn(directory, mode);
      await Deno.remove(join(dir, "journal.jsonl.lock"));
      const [, , ...rest] = denoArgs("state_life.ts", dir);
      const flags = [`--allow-read=${dir}`, `--allow-write=${dir}`];
      const args = ["run", "--no-prompt", ...flags, ...rest];
      const { stdout, stderr } = await run(Deno.execPath(), ...args);
      assertEquals([stdout.trim(), stderr], ["torn", ""]);
      const names = await assertUsable(dir, mode);
      assert(names.some((name) => name.startsWith("snapshot_")), names.join());
      assert(names.length > 5, names.join());
    });
  }

  Deno.test("a folder that root makes is the service's, as the one above is", async () => {
    await using directory = new TestDirectory();
    await Deno.chmod(directory.path, 0o755);
    await Deno.mkdir(directory.at("srv"));
    await Deno.chown(directory.at("srv"), SERVICE, SERVICE);
    const dir = directory.at("srv/a/b");
    await (await MiniStore.open(join(dir, "journal.jsonl"))).close();
    for (const made of [directory.at("srv/a"), dir]) {
      const { uid, gid, mode } = await Deno.stat(made);
      assertEquals([uid, gid, mode! & 0o777], [SERVICE, SERVICE, 0o700]);
    }
    await assertUsable(dir);
  });

  Deno.test("root that may give nothing away is refused, and told whose the journal is", async () => {
    await using directory = new TestDirectory();
    const dir = await torn(directory);
    const before = await contentsOf(dir);
    const { stdout } = await run(
      ...["setpriv", ...WITHOUT_CHOWN, Deno.execPath()] as const,
      ...denoArgs("state_life.ts", dir),
    );
    assert(stdout.trim().startsWith("PERMISSION "), stdout);
    assert(stdout.includes(`user ${SERVICE},`), stdout);
    const lock = "journal.jsonl.lock";
    assertEquals({ ...await contentsOf(dir), [lock]: "" }, {
      ...before,
      [lock]: "",
    });
    await assertUsable(dir);
  });

  Deno.test("a journal of somebody else's in a directory that others can write is a trap", async () => {
    await using directory = new TestDirectory();
    const dir = await torn(directory);
    const path = join(dir, "journal.jsonl");
    await Deno.remove(`${path}.lock`);
    await Deno.chown(dir, 0, 0);
    await Deno.chmod(dir, 0o1777);
    for (const mode of [0o600, 0o666]) {
      await Deno.chmod(path, mode);
      const error = await errorOf(MiniStore.open(path));
      assertEquals(error.code, "PERMISSION");
      assert(error.message.includes("cannot be trusted"), error.message);
    }
    await Deno.remove(path);
    await (await MiniStore.open(path)).close();
    assertEquals((await Deno.stat(path)).mode! & 0o777, 0o600);
    await (await MiniStore.open(path)).close();
  });

  Deno.test("mini repair by root leaves all to the service", async () => {
    await using directory = new TestDirectory();
    await Deno.chmod(directory.path, 0o755);
    const dir = await copyFolder(fixture("v1/flipped"), directory.at("copy"));
    await give(dir);
    const { success, stderr } = await run(
      Deno.execPath(),
      ...miniCommand(["repair", dir]),
    );
    assert(success, stderr);
    const names = await assertUsable(dir);
    assert(names.includes("journal.jsonl.damaged"), names.join());
    assert(names.includes("journal.jsonl.lock"), names.join());
  });

  Deno.test("mini queue redrive by root leaves all to the service", async () => {
    await using directory = new TestDirectory();
    await Deno.chmod(directory.path, 0o755);
    const dir = directory.at("jobs");
    {
      await using queue = await MiniQueue.open<string>(dir);
      await queue.enqueue("job");
      await (await queue.receive())!.deadLetter("it fails");
    }
    await Deno.writeTextFile(join(dir, "journal.jsonl"), '{"crc":"', {
      append: true,
    });
    await give(dir, 0o640);
    const { success, stderr } = await run(
      Deno.execPath(),
      ...miniCommand(["queue", "redrive", dir, "all"]),
    );
    assert(success, stderr);
    await Deno.chmod(join(dir, "journal.jsonl.lock"), 0o640);
    await assertUsable(dir, 0o640);
  });
}
