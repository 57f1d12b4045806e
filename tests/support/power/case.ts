import { encodeImage, imageOf } from "./disk/event_log.ts";
import { FILE_SYSTEM_KINDS, type FileSystemName } from "./file_systems.ts";
import type { Image } from "./disk/image.ts";
import { Judge, type Verdict } from "./judge.ts";
import { type Facts, Moment } from "./notes.ts";
import { type ProgramName, PROGRAMS } from "./programs.ts";

/** A program, and where it works. */
export interface Subject {
  readonly program: ProgramName;
  readonly fileSystem: FileSystemName;
}

/** A state of a disk, and what was known when the power was cut. */
export interface Case extends Subject {
  readonly image: Image;
  readonly facts: Facts;
  readonly position: number;
}

/** Keeps a case in a directory. */
export async function keepCase(
  dir: string,
  { image, ...known }: Case,
): Promise<void> {
  using file = await Deno.create(`${dir}/disk`);
  for (const bytes of encodeImage(image)) file.writeSync(bytes);
  await Deno.writeTextFile(`${dir}/known.json`, JSON.stringify(known));
}

/** Judges a case that was kept, again. */
export async function judgeCase(dir: string, work: string): Promise<Verdict> {
  const { program, fileSystem, facts, position }: Omit<Case, "image"> = JSON
    .parse(await Deno.readTextFile(`${dir}/known.json`));
  const kind = FILE_SYSTEM_KINDS[fileSystem];
  const image = imageOf(await Deno.readFile(`${dir}/disk`), kind.sizeBytes);
  const judge = new Judge(work, PROGRAMS[program], kind);
  return await judge.judge(image, new Moment(facts, position), true);
}
