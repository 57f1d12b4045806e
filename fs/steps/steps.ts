/** A value, at once or later. */
export type Eventual<T> = T | Promise<T>;

/** Gives a value to `use`, once it is there. */
export function after<T, R>(
  value: Eventual<T>,
  use: (value: T) => Eventual<R>,
): Eventual<R> {
  return isLater(value) ? native(value).then(use) : use(value);
}

/** Gives the value of `run` to `use`, once it is there, or its error to `fail`. */
export function settle<T, R>(
  run: () => Eventual<T>,
  use: (value: T) => Eventual<R>,
  fail: (error: unknown) => Eventual<R>,
): Eventual<R> {
  let value: Eventual<T>;
  try {
    value = run();
  } catch (error) {
    return fail(error);
  }
  return isLater(value) ? native(value).then(use, fail) : use(value);
}

/** The `then` of a promise of another realm may return no promise. */
function native<T>(promise: Promise<T>): Promise<T> {
  return promise instanceof Promise ? promise : Promise.resolve(promise);
}

/**
 * A task in steps. Each step yields what it waits for and is given its value, so
 * that the same code runs with promises and without.
 */
export type Steps<T> = Generator<unknown, T, unknown>;

/** Whether a value comes later. Not by `instanceof`: a file system of another realm has other promises. */
export function isLater<T>(value: Eventual<T>): value is Promise<T> {
  return typeof value === "object" && value !== null && "then" in value;
}

/** A step that waits for a value, if it is not there yet. */
export function* wait<T>(value: Eventual<T>): Steps<T> {
  return isLater(value) ? (yield value) as T : value;
}

/** Runs a task whose steps may wait for promises. */
export async function runLater<T>(steps: Steps<T>): Promise<T> {
  let step = steps.next();
  while (!step.done) {
    let value: unknown;
    try {
      value = await step.value;
    } catch (error) {
      step = steps.throw(error);
      continue;
    }
    step = steps.next(value);
  }
  return step.value;
}

/** Runs a task that waits for no promise, to its end. */
export function runAtOnce<T>(steps: Steps<T>): T {
  let step = steps.next();
  while (!step.done) step = steps.next(step.value);
  return step.value;
}
