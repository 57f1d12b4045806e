// The power of all servers is cut at once. Each has an ext4 of its own, of which only what was synced is left.
import { assert, assertEquals } from "@std/assert";
import { delay } from "@std/async/delay";
import { jetStream } from "@mini/state/jetstream";
import { StateManager } from "@mini/state/state";
import { NatsCluster } from "../support/nats_cluster.ts";
import { natsServerFor } from "../support/nats_server.ts";
import { CALLERS, NUMBERED, sumOf } from "../support/numbered.ts";
import { PowerDisk } from "../support/power_disk.ts";
import { say } from "../support/report.ts";
import { size } from "../support/size.ts";
import { skipped } from "../support/system.ts";

const WHAT = "power cuts of nats-server";
const server = await natsServerFor(WHAT);

/** How many each caller has acknowledged before the power is cut, and has in the state that is found then. */
interface Found {
  readonly acknowledged: readonly number[];
  /** `undefined` if nothing can be opened. */
  readonly state: readonly number[] | undefined;
}

if (server !== undefined) {
  const probe = await PowerDisk.make();
  if (typeof probe === "string") skipped(WHAT, probe);
  else {
    await probe[Symbol.asyncDispose]();
    Deno.test("a power cut of all servers that sync always loses nothing that was acknowledged", async () => {
      for (let round = 0; round < size(1, 4); round++) {
        const { acknowledged, state } = await cutPower("always", 3_000);
        if (state === undefined) throw new Error("it cannot be opened");
        for (const [caller, number] of acknowledged.entries()) {
          const kept = state[caller]!;
          // One may have been on its way.
          assert(
            kept === number || kept === number + 1,
            `caller ${caller} was told ${number}, and has ${kept}`,
          );
        }
        say(`always: ${sumOf(acknowledged)} acknowledged, 0 lost`);
      }
    });

    Deno.test("a power cut of all servers that sync now and then loses what was acknowledged, so that these tests can see it", async () => {
      const { acknowledged, state } = await cutPower("2m", 1_000);
      const kept = sumOf(state ?? []);
      const told = sumOf(acknowledged);
      assert(kept < told, `${told} were acknowledged, and ${kept} are there`);
      say(`2m: ${told} acknowledged, ${told - kept} lost`);
    });
  }
}

async function cutPower(syncInterval: string, ms: number): Promise<Found> {
  await using disks = new AsyncDisposableStack();
  const mounts: PowerDisk[] = [];
  for (let count = 0; count < 3; count++) {
    const disk = await PowerDisk.make();
    if (typeof disk === "string") throw new Error(disk);
    mounts.push(disks.use(disk));
  }
  await using cluster = await NatsCluster.start(server!, {
    storeDirs: mounts.map(({ path }) => path),
    syncInterval,
  });
  const nc = await cluster.connect();
  const state = await StateManager.open({
    ...await jetStream<number[]>(nc, "power", { doubtMs: 1_000 }),
    ...NUMBERED,
  });
  const acknowledged: number[] = Array(CALLERS).fill(0);
  const callers = acknowledged.map(async (_, caller) => {
    for (;;) {
      const number = acknowledged[caller]! + 1;
      await state.apply([caller, number]);
      acknowledged[caller] = number;
    }
  });
  const ended = Promise.allSettled(callers);
  await delay(ms);
  for (const node of cluster.nodes) node.stop();
  for (const disk of mounts) await disk.cut();
  await cluster.killAll();
  for (const disk of mounts) await disk.powerOn();
  // Nobody is told anything any more: what was on its way is in doubt.
  await ended;
  assertEquals(state.failure?.code, "POISONED");
  await state.close();
  for (const node of cluster.nodes) node.spawn();
  await cluster.ready();
  const again = await jetStream<number[]>(nc, "power", {
    whenHeld: "depose",
    create: syncInterval === "always",
    doubtMs: 20_000,
  }).catch((error) => {
    say(`${syncInterval}: ${error.message}`);
    return undefined;
  });
  if (again === undefined) return { acknowledged, state: undefined };
  await using found = await StateManager.open({ ...again, ...NUMBERED });
  return { acknowledged, state: found.snapshot() };
}
