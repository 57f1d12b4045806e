/**
 * Durable state for one program on one machine: a log, snapshots, a state
 * manager on both, and a message queue on that.
 *
 * ```ts
 * import { StateManager } from "@mini/state";
 * import { assertEquals } from "@std/assert";
 *
 * await using counter = await StateManager.open(await Deno.makeTempDir(), {
 *   initial: () => ({ value: 0 }),
 *   apply: (state, op: { by: number }) => {
 *     state.value += op.by;
 *   },
 * });
 * await counter.apply({ by: 10 });
 * assertEquals(counter.state.value, 10);
 * ```
 *
 * @module
 */

export * from "./queue/mod.ts";
export * from "./snap/mod.ts";
export * from "./state/mod.ts";
export * from "./store/mod.ts";
