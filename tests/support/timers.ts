/** Makes every timer fire at once, until it is disposed. `asked` holds the milliseconds that were asked for. */
export function hastyTimers(): Disposable & { readonly asked: number[] } {
  const { setTimeout } = globalThis;
  const asked: number[] = [];
  const atOnce = (call: () => void, ms: number) => {
    asked.push(ms);
    return setTimeout(call, 0);
  };
  globalThis.setTimeout = atOnce as typeof setTimeout;
  return {
    asked,
    [Symbol.dispose]() {
      globalThis.setTimeout = setTimeout;
    },
  };
}

/** Keeps every timer from firing that is set until it is disposed. */
export function stillTimers(): Disposable {
  const { setTimeout } = globalThis;
  globalThis.setTimeout = (() => 0) as unknown as typeof setTimeout;
  return {
    [Symbol.dispose]() {
      globalThis.setTimeout = setTimeout;
    },
  };
}
