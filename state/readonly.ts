/**
 * A state as it is given away: to be looked at, at any depth, and not changed.
 * A change to it would be in no log.
 *
 * A `Map` is a `ReadonlyMap` in it, a `Set` a `ReadonlySet`. `Date` and typed
 * arrays, which have no such type, are as they are.
 *
 * @typeParam S The state.
 */
export type DeepReadonly<S> = S extends // What cannot be changed, or what no type says of how it can be.
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
  // Only a tuple is gone through by its elements: an array that is part of its own type has no end.
  : S extends readonly unknown[]
    ? number extends S["length"] ? readonly DeepReadonly<S[number]>[]
    : { readonly [K in keyof S]: DeepReadonly<S[K]> }
  : S extends object ? { readonly [K in keyof S]: DeepReadonly<S[K]> }
  : S;
