import { assertEquals } from "@std/assert";
import { MiniStore } from "@mini/state/store";
import { TestDirectory } from "./dir.ts";
import { mini, miniJson } from "./mini.ts";

/** A part of a file that was left out, as `mini adopt --json` reports it. */
export interface Lost {
  readonly line: number;
  readonly offset: number;
  readonly sizeBytes: number;
  readonly after: number;
  readonly reason: string;
}

/** The result of adopting a file. */
export interface Adopted {
  readonly code: number;
  /** The exit code of `mini verify` for the journal. */
  readonly verified: number;
  readonly records: unknown[];
  readonly report: {
    readonly records: number;
    readonly sizeBytes: number;
    readonly losses: number;
    readonly lostBytes: number;
    readonly lost: readonly Lost[];
  };
}

/** Adopts files of these contents. Fails if one of them has changed. */
export async function adoptAll(
  contents: readonly (Uint8Array | string)[],
  ...options: string[]
): Promise<Adopted[]> {
  await using directory = new TestDirectory();
  const all: Adopted[] = [];
  for (const [at, content] of contents.entries()) {
    const bytes = typeof content === "string"
      ? new TextEncoder().encode(content)
      : content;
    const file = directory.at("file");
    await Deno.writeFile(file, bytes);
    const to = directory.at(`new/${at}.jsonl`);
    const adopted = await miniJson(["adopt", file, to, ...options]);
    assertEquals(await Deno.readFile(file), bytes);
    const { code: verified } = await mini(["verify", to]);
    const records = await Array.fromAsync(
      MiniStore.replay(to),
      ({ data }) => data,
    );
    all.push({ code: adopted.code, report: adopted.json, verified, records });
  }
  return all;
}
