/**
 * A state for reading, read-only at any depth: a change to it would be in no log.
 *
 * A `Map` becomes a `ReadonlyMap`, a `Set` a `ReadonlySet`. `Date` and typed arrays
 * have no such type, and stay as they are.
 *
 * @typeParam S The state.
 */
export type DeepReadonly<S> = S extends // Values that cannot change, or that have no read-only type.
| string
| number
| bigint
| boolean
| symbol
| null
| undefined
| Date
| ArrayBuffer
| ArrayBufferView
| ((...args: never[]) => unknown) ? S
  : S extends ReadonlyMap<infer K, infer V>
    ? ReadonlyMap<DeepReadonly<K>, DeepReadonly<V>>
  : S extends ReadonlySet<infer V> ? ReadonlySet<DeepReadonly<V>>
  // Only a tuple is mapped by its elements: an array may be part of its own type.
  : S extends readonly unknown[]
    ? number extends S["length"] ? readonly DeepReadonly<S[number]>[]
    : { readonly [K in keyof S]: DeepReadonly<S[K]> }
  : S extends object ? { readonly [K in keyof S]: DeepReadonly<S[K]> }
  : S;
