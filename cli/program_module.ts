import { toFileUrl } from "@std/path";
import { absolutePath } from "../fs/system.ts";
import type { InspectDefinition } from "../inspect/mod.ts";
import { messageOf } from "../base/reason.ts";
import { Misuse } from "./args.ts";

/** The options of a state, of any type. */
export type Program = InspectDefinition<unknown, unknown>;

/** Loads the options of a state from a module: what it exports, or its default export. */
export async function loadProgram(path: string): Promise<Program> {
  const url = toFileUrl(absolutePath(path)).href;
  let loaded: { readonly default?: unknown };
  try {
    loaded = await import(url);
  } catch (error) {
    throw new Misuse(`Cannot load --apply ${path}: ${messageOf(error)}`);
  }
  for (const candidate of [loaded, loaded.default]) {
    if (isProgram(candidate)) return candidate;
  }
  throw new Misuse(
    `--apply ${path} does not export the options of a StateManager: initial and apply`,
  );
}

function isProgram(value: unknown): value is Program {
  return typeof value === "object" && value !== null &&
    "initial" in value && typeof value.initial === "function" &&
    "apply" in value && typeof value.apply === "function";
}
