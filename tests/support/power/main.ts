// A process of its own, in a mount namespace of its own. Cuts the power of programs, as its first argument plans, and
// prints a report of each; or judges a case again, whose directory is that argument. The second is a directory to work in.
import { judgeCase } from "./case.ts";
import { mount, unmount } from "./disk/libc.ts";
import { Hindrance, Lives, type Plan, type Report } from "./life.ts";

const [what, dir] = Deno.args as [string, string];

/** Does something in a directory in memory, and prints what it returns. */
async function inMemory(does: () => Promise<unknown>): Promise<void> {
  mount({ type: "tmpfs", source: "tmpfs", target: dir, options: "size=2g" });
  // deno-lint-ignore no-console -- that is what it is for
  console.log(JSON.stringify(await does()));
  unmount(dir, "unused");
}

/** Cuts the power as a plan says; tells why, where there can be no such disk. */
async function follow(plan: Plan): Promise<Report | { hindrance: string }> {
  try {
    return await new Lives(dir, plan).run();
  } catch (error) {
    if (!(error instanceof Hindrance)) throw error;
    return { hindrance: error.message };
  }
}

if (what.startsWith("[")) {
  for (const plan of JSON.parse(what) as Plan[]) {
    await inMemory(() => follow(plan));
  }
} else await inMemory(() => judgeCase(what, dir));
