import { StateManager, type StateOptions, StateView } from "@mini/state/state";
import type { FileSystem } from "@mini/state/store";
import type { Workload } from "@mini/state/testing";
import { apply } from "./apply.ts";

type Manager = StateManager<string[], string>;

const OPTIONS = {
  initial: () => [],
  apply: (items, item) => void items.push(item),
  keepSnapshots: 1,
} satisfies StateOptions<string[], string>;

function open(fs: FileSystem): Promise<Manager> {
  return StateManager.open("/data", { ...OPTIONS, fs });
}

/** A standby takes over, twice: where its writer has closed, and where it has left what nobody waits for. */
export const STANDBY: Workload<string> = {
  name: "a standby that takes over",
  extra: "extra",
  async run(fs, log) {
    let writer = await open(fs);
    for (const round of ["a", "b"]) {
      await using view = await StateView.open("/data", { ...OPTIONS, fs });
      await apply(writer, log, `${round}1`);
      if (round === "b") await writer.compact();
      log.issue(`${round}2`);
      await writer.apply(`${round}2`, { durable: false });
      await writer.close();
      writer = await view.promote();
      await apply(writer, log, `${round}3`);
    }
    await writer.close();
  },
  async recover(fs) {
    await using view = await StateView.open("/data", {
      ...OPTIONS,
      fs,
      ifMissing: "empty",
    });
    return (await view.promote()).snapshot();
  },
  async append(fs, item) {
    await using manager = await open(fs);
    await manager.apply(item);
  },
};
