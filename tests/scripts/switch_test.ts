import { assertEquals } from "@std/assert";
import { toFileUrl } from "@std/path";
import { mutate, mutationsIn } from "../mutants/generate.ts";
import { Switchboard, switched } from "../mutants/switch.ts";
import { TestDirectory } from "../support/dir.ts";

const SOURCE = `
export async function run(said: unknown[], n: number, durable: boolean) {
  const say = (text: unknown) => said.push(text);
  const later = (value: unknown) => ({ then: (done: (value: unknown) => void) => done(value) });
  if (n < 3) say("small"); else if (n >= 5 && n !== 7) say(await later(n > 9));
  try {
    if (n === 6) throw new Error("six"); else say({ durable, b: true });
    for (let at = 0; at <= n - (await later(4) as number); at++) say(at === 1);
  } catch (error) {
    say((error as Error).message);
  }
  await say(durable ? "durable" : false);
}
`;

interface Program {
  run(said: unknown[], n: number, durable: boolean): Promise<void>;
}

/** Everything that a source says to several numbers. */
async function saidBy({ run }: Program): Promise<string[]> {
  const all: string[] = [];
  for (const n of [1, 3, 5, 6, 7, 9, 10]) {
    const said: unknown[] = [];
    await run(said, n, n % 2 === 0).catch((error) => said.push(error.message));
    all.push(JSON.stringify(said));
  }
  return all;
}

Deno.test("a switched source does as the source does, and as the mutation that is chosen", async () => {
  await using dir = new TestDirectory();
  const load = async (name: string, text: string): Promise<Program> => {
    await Deno.writeTextFile(dir.at(name), text);
    return await import(toFileUrl(dir.at(name)).href);
  };
  const mutations = mutationsIn("sample.ts", SOURCE);
  const text = switched(
    SOURCE,
    mutations.map((mutation, at) => [at + 1, mutation]),
  );
  const plain = await saidBy(await load("plain.ts", SOURCE));
  assertEquals(await saidBy(await load("alone.ts", text)), plain);

  const board = new Switchboard(mutations.length);
  Object.assign(globalThis, { mutants: board });
  try {
    const program = await load("switched.ts", text);
    assertEquals(await saidBy(program), plain);
    assertEquals(board.takeHits(), mutations.map((_, at) => at + 1));
    for (const [at, mutation] of mutations.entries()) {
      const mutant = await load(`${at}.ts`, mutate(SOURCE, mutation));
      board.active = at + 1;
      assertEquals(await saidBy(program), await saidBy(mutant), mutation.what);
    }
    board.active = 0;
    assertEquals(await saidBy(program), plain);
  } finally {
    Reflect.deleteProperty(globalThis, "mutants");
  }
});

Deno.test("a mutation is reached only by what it makes different", async () => {
  await using dir = new TestDirectory();
  const source = "export const isLess = (a: number, b: number) => a < b;";
  const [mutation] = mutationsIn("sample.ts", source);
  const board = new Switchboard(1);
  Object.assign(globalThis, { mutants: board });
  try {
    await Deno.writeTextFile(
      dir.at("a.ts"),
      switched(source, [[1, mutation!]]),
    );
    const { isLess } = await import(toFileUrl(dir.at("a.ts")).href);
    assertEquals([isLess(1, 2), isLess(2, 1)], [true, false]);
    assertEquals(board.takeHits(), []);
    assertEquals(isLess(2, 2), false);
    assertEquals(board.takeHits(), [1]);
  } finally {
    Reflect.deleteProperty(globalThis, "mutants");
  }
});
