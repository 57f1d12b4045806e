import {
  appendFile,
  copyFile,
  mkdir,
  readFile,
  rename,
  stat,
  symlink,
  writeFile,
} from "node:fs/promises";
import { join } from "node:path";
import type { Library } from "./library.ts";
import { collect, equal, ok, refused, Skip, type Suite } from "./suite.ts";

const journal = (dir: string) => join(dir, "journal.jsonl");

/** Damage is told apart, repaired or refused. */
export async function checkDisk(suite: Suite, library: Library): Promise<void> {
  await checkDamage(suite, library);
  await checkLost(suite, library);
  await checkReplaced(suite, library);
  await checkStrangers(suite, library);
  await checkLinks(suite, library);
}

async function fill(
  { store: { MiniStore } }: Library,
  path: string,
  values: readonly unknown[],
): Promise<void> {
  const store = await MiniStore.open<unknown>(path);
  for (const value of values) await store.append(value);
  await store.close();
}

/** Turns one bit over, in the line of record `seq`. */
async function flip(path: string, seq: number): Promise<void> {
  const bytes = await readFile(path);
  bytes[bytes.indexOf(`"seq":${seq},"data"`) + 14]! ^= 1;
  await writeFile(path, bytes);
}

async function checkDamage(suite: Suite, library: Library): Promise<void> {
  const { MiniStore } = library.store;
  await suite.check("disk: a torn tail is cut off and kept", async (dir) => {
    await fill(library, journal(dir), ["a", "b"]);
    const torn = '{"crc":"01234567","seq":3,"da';
    await appendFile(journal(dir), torn);
    const store = await MiniStore.open<unknown>(journal(dir));
    const { outcome, tornBytes, tornPath } = store.recovery;
    equal([outcome, tornBytes], ["torn", torn.length]);
    equal(await readFile(tornPath!, "utf8"), torn);
    equal(await store.append("c"), 3);
    await store.close();
    const records = await collect(MiniStore.replay<unknown>(journal(dir)));
    equal(records.map((record) => record.data), ["a", "b", "c"]);
  });
  await suite.check(
    "disk: a flipped bit is CORRUPT, and nothing is touched",
    async (dir) => {
      await fill(library, journal(dir), ["aaaa", "bbbb", "cccc"]);
      await flip(journal(dir), 2);
      const before = await readFile(journal(dir));
      const error = await refused(
        "CORRUPT",
        () => MiniStore.open(journal(dir)),
      );
      equal([error.path, error.line, error.seq], [journal(dir), 3, 2]);
      ok(error.offset! > 0, "it says at which byte");
      await refused("CORRUPT", () => collect(MiniStore.replay(journal(dir))));
      equal(await readFile(journal(dir)), before);
    },
  );
  await suite.check(
    "disk: a flipped bit in an old segment is CORRUPT",
    async (dir) => {
      const store = await MiniStore.open<string>(journal(dir));
      await store.append("aaaa");
      await store.rotate();
      await store.append("bbbb");
      await store.close();
      const sealed = join(dir, "journal.00000000000000000000.jsonl");
      await flip(sealed, 1);
      const error = await refused(
        "CORRUPT",
        () => MiniStore.open(journal(dir)),
      );
      equal([error.path, error.seq], [sealed, 1]);
    },
  );
}

async function checkLost(suite: Suite, library: Library): Promise<void> {
  const { MiniStore } = library.store;
  await suite.check(
    "disk: a log that was cut to nothing is CORRUPT, at each opening",
    async (dir) => {
      await fill(library, journal(dir), ["a", "b"]);
      await fill(library, journal(dir), ["c"]);
      for (const left of [new Uint8Array(0), new Uint8Array(160)]) {
        await writeFile(journal(dir), left);
        await refused("CORRUPT", () => MiniStore.open(journal(dir)));
        await refused("CORRUPT", () => MiniStore.open(journal(dir)));
        await refused("CORRUPT", () => collect(MiniStore.replay(journal(dir))));
      }
      const { size } = await stat(`${journal(dir)}.lock`);
      equal(size, 128);
      await writeFile(join(dir, "new.jsonl"), "", { mode: 0o600 });
      await fill(library, join(dir, "new.jsonl"), ["a"]);
    },
  );
}

async function checkReplaced(suite: Suite, library: Library): Promise<void> {
  const { MiniStore } = library.store;
  await suite.check(
    "disk: a replaced file is POISONED, not written to in vain",
    async (dir) => {
      const store = await MiniStore.open<string>(journal(dir));
      await store.append("a");
      await copyFile(journal(dir), join(dir, "copy"));
      await rename(join(dir, "copy"), journal(dir));
      await refused("POISONED", () => store.append("b"));
      await refused("POISONED", () => store.append("c"));
      await store.close().catch(() => {});
      const again = await MiniStore.open<string>(journal(dir));
      equal((await collect(again.replay()))[0]?.data, "a");
      await again.close();
    },
  );
  await suite.check(
    "disk: a file that somebody else writes to is POISONED",
    async (dir) => {
      const store = await MiniStore.open<string>(journal(dir));
      await store.append("a");
      await appendFile(journal(dir), "x");
      await refused("POISONED", () => store.append("b"));
      await store.close().catch(() => {});
    },
  );
}

async function checkStrangers(suite: Suite, library: Library): Promise<void> {
  const { MiniStore } = library.store;
  await suite.check(
    "disk: what is no journal is UNSUPPORTED_FORMAT",
    async (dir) => {
      await writeFile(journal(dir), "hello\nworld\n", { mode: 0o600 });
      await refused("UNSUPPORTED_FORMAT", () => MiniStore.open(journal(dir)));
      equal(await readFile(journal(dir), "utf8"), "hello\nworld\n");
    },
  );
  await suite.check(
    "disk: a directory in place of a file is UNSUPPORTED_FORMAT",
    async (dir) => {
      await mkdir(journal(dir));
      await refused("UNSUPPORTED_FORMAT", () => MiniStore.open(journal(dir)));
      await mkdir(join(dir, "other.jsonl.lock"));
      const other = join(dir, "other.jsonl");
      await refused("UNSUPPORTED_FORMAT", () => MiniStore.open(other));
    },
  );
  await suite.check(
    "disk: a file in place of a directory is IO",
    async (dir) => {
      await writeFile(join(dir, "file"), "");
      const path = journal(join(dir, "file"));
      await refused("IO", () => MiniStore.open(path));
    },
  );
}

async function checkLinks(suite: Suite, library: Library): Promise<void> {
  const { MiniStore } = library.store;
  await suite.check("disk: a symbolic link is not followed", async (dir) => {
    const real = join(dir, "real", "journal.jsonl");
    await fill(library, real, ["a"]);
    const before = await readFile(real);
    await link(real, journal(dir));
    await refused("UNSUPPORTED_FORMAT", () => MiniStore.open(journal(dir)));
    await refused(
      "UNSUPPORTED_FORMAT",
      () => collect(MiniStore.replay(journal(dir))),
    );
    equal(await readFile(real), before);
  });
  await suite.check(
    "disk: a lock file that is a link is not followed",
    async (dir) => {
      await link(join(dir, "nowhere"), `${journal(dir)}.lock`);
      await refused("UNSUPPORTED_FORMAT", () => MiniStore.open(journal(dir)));
      await refused("ENOENT", () => readFile(join(dir, "nowhere")));
    },
  );
}

/** Makes a link. Deno lets nobody do so who may not read and write everywhere. */
async function link(target: string, path: string): Promise<void> {
  try {
    await symlink(target, path);
  } catch (error) {
    throw new Skip(String(error));
  }
}
