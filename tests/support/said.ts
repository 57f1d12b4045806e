import { assert } from "@std/assert";
import { randomSeed } from "@mini/state/testing";

/** Of what a test chooses; printed with whatever it finds. */
export const seed: number = Number(Deno.env.get("SEED") ?? randomSeed());
/** Text, and a number, that stand nowhere else. */
export const SECRET: string = `hush${seed.toString(36)}hush`;
export const NUMBER: number = 7_777_000_000_000 + seed % 1_000_000_000;
export const HIDDEN: object = {
  secret: SECRET,
  number: NUMBER,
  list: [SECRET],
};

/** Everything that is said to somebody who may not read the data. */
export class Said {
  readonly texts: string[] = [];

  /** Runs what may fail, and keeps what it says. */
  async of(act: () => unknown): Promise<void> {
    try {
      await act();
    } catch (error) {
      this.add(error);
    }
  }

  add(what: unknown): void {
    // Fields and causes as well.
    this.texts.push(Deno.inspect(what, { depth: 20, strAbbreviateSize: 1e6 }));
  }

  check(where: string): void {
    for (const text of this.texts) {
      const isKept = !text.includes(SECRET) && !text.includes(String(NUMBER));
      assert(isKept, `${where}, SEED=${seed}: ${text}`);
    }
  }
}

/** Keeps what is printed while something runs. */
export async function listened(
  said: Said,
  act: () => Promise<void>,
): Promise<void> {
  const methods = ["debug", "log", "info", "warn", "error"] as const;
  // deno-lint-ignore no-console -- it is listened to
  const own = methods.map((method) => console[method]);
  for (const method of methods) {
    // deno-lint-ignore no-console -- it is listened to
    console[method] = (...all: unknown[]) =>
      all.forEach((one) => said.add(one));
  }
  try {
    await act();
  } finally {
    // deno-lint-ignore no-console -- it is listened to
    for (const [at, method] of methods.entries()) console[method] = own[at]!;
  }
}
