// Snapshots that nobody has written, with checksums that are right all the same.
import { crc32 } from "node:zlib";
import { assertEquals } from "@std/assert";
import { type SnapCodec, SnapStore } from "@mini/state/snap";
import { StateManager } from "@mini/state/state";
import { TestDirectory } from "../support/dir.ts";
import { hex } from "../support/journal.ts";
import { miniJson } from "../support/mini.ts";

const NAME = `snapshot_${"3".padStart(20, "0")}.json`;

/** In parts, each of which is an element of a list. */
const IN_PARTS: SnapCodec<unknown> = {
  encode: (state) => (state as unknown[]).values(),
  decode: (json) => Array.fromAsync(json as AsyncIterable<unknown>),
};

const nested = (levels: number) => "[".repeat(levels) + "]".repeat(levels);

function sealed(fields: string): string {
  const body = `{\n  "mini": 1,\n  "seq": 3,\n  ${fields}`;
  return `${body},\n  "crc": "${hex(crc32(body))}"\n}\n`;
}

/** The files of a snapshot whose state nests so deep, as each kind is written. */
const KINDS: [
  what: string,
  files: (state: string) => Record<string, string>,
  codec?: SnapCodec<unknown>,
][] = [
  ["a snapshot", (state) => ({ [NAME]: sealed(`"state": ${state}`) })],
  ["a snapshot in parts", (part) => ({
    [NAME]: sealed(`"parts": [\n${part}\n  ]`),
  }), IN_PARTS],
  ["a snapshot of the Rust minisnap", (state) => ({
    [NAME]: `{"seq":3,"state":${state}}`,
  })],
  ["the pair of the Rust minisnap", (state) => ({
    "snapshot.json": state,
    "snapshot.seq": "3",
  })],
];

for (const [what, files, codec] of KINDS) {
  Deno.test(`SnapStore, StateManager and mini take ${what} of 1,000 levels, and none of more`, async () => {
    for (const levels of [1_000, 1_001, 6_000, 1_000_000]) {
      await using directory = new TestDirectory();
      const texts = Object.entries(files(nested(levels)));
      for (const dir of ["snaps", "state"]) {
        await Deno.mkdir(directory.at(dir));
        for (const [name, text] of texts) {
          await Deno.writeTextFile(directory.at(`${dir}/${name}`), text);
        }
      }
      const [snaps, state] = [directory.at("snaps"), directory.at("state")];
      const { json } = await miniJson(["snapshots", snaps]);
      const isPlain = texts[0]![1].includes("mini");
      const good = isPlain ? "whole" : "unverified";
      const isTaken = levels <= 1_000;
      assertEquals(json.snapshots[0].status, isTaken ? good : "damaged");
      const expected = isTaken ? "well" : "CORRUPT";
      assertEquals(await codeOf(restored(snaps, codec)), expected);
      assertEquals(await codeOf(opened(state, codec)), expected);
    }
  });
}

async function restored(
  dir: string,
  codec: SnapCodec<unknown> | undefined,
): Promise<void> {
  const snaps = new SnapStore(dir, codec && { codec });
  await snaps.restore();
  for (const { error } of snaps.rejected) throw error;
}

async function opened(
  dir: string,
  codec: SnapCodec<unknown> | undefined,
): Promise<void> {
  const state = await StateManager.open<unknown, unknown>(dir, {
    initial: () => [],
    apply: () => {},
    ...(codec && { codec }),
  });
  await state.close();
  for (const { error } of state.recovery.rejected) throw error;
}

async function codeOf(promise: Promise<void>): Promise<string> {
  return await promise.then(() => "well", (error) => error.code ?? error.name);
}
