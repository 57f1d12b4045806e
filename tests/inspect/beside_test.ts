import { assert, assertEquals } from "@std/assert";
import { createInspector } from "@mini/state/inspect";
import {
  type FileSystem,
  MiniStore,
  systemFileSystem,
} from "@mini/state/store";
import { TestDirectory } from "../support/dir.ts";
import { get } from "../support/inspected.ts";

/** How long after the first look an inspector must look again before it calls a line damaged. */
const LEAST_MS = 40;

interface Asked {
  // deno-lint-ignore no-explicit-any -- parsed JSON
  readonly answer: any;
  /** When the unfinished line was read. */
  readonly readAt: readonly number[];
}

/** Asks for something of a log whose last line is completed once it was read that often. */
async function askWhileWritten(
  question: string,
  completeAt: number,
): Promise<Asked> {
  await using directory = new TestDirectory();
  const path = directory.at();
  await using store = await MiniStore.open<string>(path);
  for (const record of ["one", "two", "three"]) await store.append(record);
  const text = await Deno.readTextFile(path);
  await Deno.writeTextFile(path, text.slice(0, -3));
  const readAt: number[] = [];
  const fs: FileSystem = {
    ...systemFileSystem,
    async open(path, access) {
      const file = await systemFileSystem.open(path, access);
      const read = async (into: Uint8Array<ArrayBuffer>) => {
        const count = await file.read(into);
        const bytes = into.subarray(0, count);
        if (!new TextDecoder().decode(bytes).endsWith("three")) return count;
        readAt.push(performance.now());
        if (readAt.length === completeAt) await Deno.writeTextFile(path, text);
        return count;
      };
      return new Proxy(file, {
        get(target, key) {
          if (key === "read") return read;
          const value = Reflect.get(target, key);
          return typeof value === "function" ? value.bind(target) : value;
        },
      });
    },
  };
  const inspector = createInspector(path, { authorize: () => true, fs });
  const answer = await get(inspector, question);
  await inspector.close();
  return { answer, readAt };
}

for (const question of ["records?from=1&count=9", "record?seq=3"]) {
  Deno.test(`api/${question} calls no line damaged before a second look`, async () => {
    for (let completeAt = 1;; completeAt++) {
      const { answer, readAt } = await askWhileWritten(question, completeAt);
      const { damages = [] } = answer;
      if (damages.length === 0) {
        assertEquals(answer.isMissing, undefined);
        continue;
      }
      const lookedForMs = readAt.at(-1)! - readAt[0]!;
      assert(lookedForMs >= LEAST_MS, `${lookedForMs} ms`);
      break;
    }
  });
}
