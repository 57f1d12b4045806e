import { StateView, type StateViewOptions } from "@mini/state/state";
import type { FileSystem } from "@mini/state/store";
import type { MemoryFileSystem } from "@mini/state/testing";
import { type Add, COUNTER, type Counter } from "./counter.ts";

const { initial, apply } = COUNTER;

/** Opens a view of the counter in "/data". */
export function openView(
  fs: FileSystem,
  options: Partial<StateViewOptions<Counter, Add>> = {},
): Promise<StateView<Counter, Add>> {
  return StateView.open("/data", { initial, apply, fs, ...options });
}

/** Resolves once something holds that nothing tells of. */
export async function eventually(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setTimeout(resolve));
}

/** The same file system, without hints: as a network folder, it has to be looked at. */
export function withoutHints(fs: FileSystem): FileSystem {
  return new Proxy(fs, {
    get(target, name) {
      if (name === "watch") return undefined;
      const member = Reflect.get(target, name, target);
      return typeof member === "function" ? member.bind(target) : member;
    },
  });
}

/** Lets a disk be full once an opening has recovered the log: for the aborts that it records. */
export function fillOnceRecovered({ hooks }: MemoryFileSystem): void {
  let isRecovered = false;
  hooks.before = ({ operation }) => {
    if (operation === "rename") isRecovered = true;
    return isRecovered && operation === "write"
      ? { code: "ENOSPC" }
      : undefined;
  };
}
