import type { FileHandle, FileSystem } from "../../fs/file_system.ts";
import {
  bytes,
  type FileSystemRule,
  type FileSystemTrial,
} from "./file_system_trial.ts";

/** The rules of `FileSystem` about what survives a power cut. */
export const DURABILITY_RULES: readonly FileSystemRule[] = [
  ["sync() makes earlier writes durable", async (t) => {
    const file = await durable(t, "file", "one");
    await file.write(bytes(", two"));
    await file.sync();
    await file.write(bytes(", or not"));
    const text = await t.text("file", await t.afterPowerCut());
    t.equal(text.slice(0, 8), "one, two", "the content after a power cut");
  }],
  ["truncate() is durable after sync()", async (t) => {
    const file = await durable(t, "file", "some");
    await file.truncate(2);
    await file.sync();
    const text = await t.text("file", await t.afterPowerCut());
    t.equal(text, "so", "the content after a power cut");
  }],
  ["create() is durable after syncDirectory()", async (t) => {
    await t.fs.create(t.at("file"), 0o600);
    await t.fs.syncDirectory(t.fixture.directory);
    t.equal(await names(t, await t.afterPowerCut()), ["file"], CUT);
  }],
  ["rename() is durable after syncDirectory()", async (t) => {
    await durable(t, "old", "old");
    await durable(t, "new", "new");
    await t.fs.rename(t.at("new"), t.at("old"));
    await t.fs.syncDirectory(t.fixture.directory);
    const fs = await t.afterPowerCut();
    t.equal(await names(t, fs), ["old"], CUT);
    t.equal(await t.text("old", fs), "new", "the content after a power cut");
  }],
  ["remove() is durable after syncDirectory()", async (t) => {
    await durable(t, "file", "some");
    await t.fs.remove(t.at("file"));
    await t.fs.syncDirectory(t.fixture.directory);
    t.equal(await names(t, await t.afterPowerCut()), [], CUT);
  }],
  ["createDirectory() is durable", async (t) => {
    await t.fs.createDirectory(t.at("a/b"), 0o700);
    const found = await (await t.afterPowerCut()).stat(t.at("a/b"));
    t.equal(found?.kind, "directory", "the kind after a power cut");
  }],
  ["leave() replaces the note durably", async (t) => {
    const lock = await t.fs.lock(t.at("lock"), 0o600, '{"pid":1}');
    await t.fs.syncDirectory(t.fixture.directory);
    await lock!.leave('{"pid":2}');
    const text = await t.text("lock", await t.afterPowerCut());
    t.equal(text, '{"pid":2}', "the content after a power cut");
  }],
];

const CUT = "the names after a power cut";

async function durable(
  t: FileSystemTrial,
  name: string,
  text: string,
): Promise<FileHandle> {
  const file = await t.put(name, text);
  await file.sync();
  await t.fs.syncDirectory(t.fixture.directory);
  return file;
}

async function names(t: FileSystemTrial, fs: FileSystem): Promise<string[]> {
  return (await fs.list(t.fixture.directory)).toSorted();
}
