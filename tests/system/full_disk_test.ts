// A disk that is really full: see "When a write fails" in docs/FORMAT.md.
import { assert, assertEquals } from "@std/assert";
import { StateManager, type StateOptions } from "@mini/state/state";
import { MiniError } from "@mini/state/store";
import { say } from "../support/report.ts";
import { size } from "../support/size.ts";
import { Mount, skipped } from "../support/system.ts";

const APPLIES = 40;
const STEP_BYTES = 4096;
const LEVELS = size(8, 48);

const OPTIONS: StateOptions<string[], string> = {
  initial: () => [],
  apply: (items, item) => {
    items.push(item);
  },
  maxSegmentBytes: 6_000,
};

interface Told {
  readonly acknowledged: string[];
  readonly refused: Set<string>;
  /** How many snapshots and compactions found no space. */
  failed: number;
}

/** Fills the disk; nothing may go wrong but that there is no space. */
async function fill(
  manager: StateManager<string[], string>,
  told: Told,
  level: number,
): Promise<void> {
  for (let index = 0; index < APPLIES; index++) {
    const item = `${level} ${index} ${"x".repeat(97 * (index % 12))}`;
    try {
      await manager.apply(item);
      told.acknowledged.push(item);
    } catch (error) {
      assertNoSpace(error);
      told.refused.add(item);
    }
    if (index % 8 !== 7) continue;
    try {
      await (index % 16 === 7 ? manager.createSnapshot() : manager.compact());
    } catch (error) {
      assertNoSpace(error);
      told.failed++;
    }
  }
}

function assertNoSpace(error: unknown): void {
  if (error instanceof MiniError && error.code === "NO_SPACE") return;
  throw error;
}

async function names(path: string): Promise<string[]> {
  const entries = await Array.fromAsync(Deno.readDir(path));
  return entries.map(({ name }) => name);
}

/** Fills the disk, frees it, continues without opening again, and then opens again. */
async function atLevel(mount: Mount, level: number): Promise<Told> {
  const dir = mount.at("state");
  const filler = mount.at("filler");
  const told: Told = { acknowledged: [], refused: new Set(), failed: 0 };
  {
    await using manager = await StateManager.open(dir, OPTIONS);
    await mount.leaveFree(level * STEP_BYTES);
    await fill(manager, told, level);
    assertEquals(manager.state, told.acknowledged);
    await Deno.remove(filler);
    assertEquals(manager.failure, undefined);
    const after = `${level} after`;
    await manager.apply(after);
    told.acknowledged.push(after);
    await manager.compact();
    const left = (await names(dir)).filter((name) => name.endsWith(".tmp"));
    assertEquals(left, []);
  }
  await using again = await StateManager.open(dir, OPTIONS);
  assertEquals(again.state, told.acknowledged, "an acknowledged one is lost");
  await again.close();
  await Deno.remove(dir, { recursive: true });
  return told;
}

const DISKS: [name: string, make: () => Promise<Mount | string>][] = [
  ["a tmpfs", () => Mount.tmpfs("1m")],
  ["an ext4", () => Mount.ext4("4m")],
];
for (const [name, make] of DISKS) {
  Deno.test(`a state on ${name} that is full loses nothing, and continues once there is space`, async () => {
    const mount = await make();
    if (typeof mount === "string") {
      return skipped(`${name} that is full`, mount);
    }
    await using _mount = mount;
    let acknowledged = 0;
    let refused = 0;
    let failed = 0;
    for (let level = 0; level < LEVELS; level++) {
      const told = await atLevel(mount, level);
      acknowledged += told.acknowledged.length;
      refused += told.refused.size;
      failed += told.failed;
    }
    say(
      `${name}, ${LEVELS} fill levels: ${acknowledged} acknowledged, ${refused} refused, ` +
        `${failed} snapshots and compactions refused, 0 violations`,
    );
    assert(refused > 0 && failed > 0);
  });
}
