/**
 * Durable state for one program on one machine.
 *
 * Today it holds two bricks, the log and the snapshots:
 *
 * ```ts
 * import { MiniStore } from "@mini/state";
 * import { assertEquals } from "@std/assert";
 *
 * const path = `${await Deno.makeTempDir()}/journal.jsonl`;
 * await using store = await MiniStore.open<string>(path);
 * assertEquals(await store.append("survives anything"), 1);
 * ```
 *
 * @module
 */

export * from "./snap/mod.ts";
export * from "./state/mod.ts";
export * from "./store/mod.ts";
