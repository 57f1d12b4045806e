/**
 * Several mutations that are one atomic record. Made by {@linkcode batch}.
 *
 * @typeParam M A mutation.
 *
 * @example Decide on several, one or none
 * ```ts
 * import { type Batch, batch } from "@mini/state/state";
 * import { assertEquals } from "@std/assert";
 *
 * function spend(left: number): Batch<number> | number | undefined {
 *   if (left === 0) return undefined;
 *   return left > 10 ? batch([-10, -1]) : -1;
 * }
 * assertEquals([spend(0), spend(1)], [undefined, -1]);
 * ```
 */
export class Batch<M> {
  /** The mutations, in order. */
  readonly #mutations: readonly M[];

  /** Made by {@linkcode batch}. */
  constructor(mutations: readonly M[]) {
    this.#mutations = mutations;
  }

  /** The mutations, in order. */
  get mutations(): readonly M[] {
    return this.#mutations;
  }
}

/**
 * Makes several mutations the decision of one `transact`: one atomic record, all
 * of which has an effect or none. No mutations log nothing.
 *
 * An array does not serve, because a mutation may be an array itself.
 *
 * @param mutations The mutations, in order.
 * @returns The value for `decide` to return.
 *
 * @example Move, all or nothing
 * ```ts
 * import { batch, StateManager } from "@mini/state/state";
 * import { assertEquals } from "@std/assert";
 *
 * await using accounts = await StateManager.open(await Deno.makeTempDir(), {
 *   initial: (): Record<string, number> => ({ ada: 5, bob: 0 }),
 *   apply: (state, [who, by]: [who: string, by: number]) => {
 *     state[who] = (state[who] ?? 0) + by;
 *   },
 * });
 * await accounts.transact(({ ada = 0 }) =>
 *   ada >= 5 ? batch([["ada", -5], ["bob", 5]]) : undefined
 * );
 * assertEquals(accounts.state, { ada: 0, bob: 5 });
 * ```
 */
export function batch<M>(mutations: readonly M[]): Batch<M> {
  if (!Array.isArray(mutations)) {
    throw new TypeError("batch takes an array of mutations");
  }
  return new Batch(mutations);
}
