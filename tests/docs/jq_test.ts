import { assertEquals } from "@std/assert";
import { join } from "@std/path";
import { MiniStore } from "@mini/state/store";
import { ROOT } from "../support/child.ts";
import { TestDirectory } from "../support/dir.ts";
import { run, skipped } from "../support/system.ts";
import { WallClock } from "../support/wall_clock.ts";

const HAS_JQ = (await run("jq", "--version")).success;

if (!HAS_JQ) skipped("the program for jq in README.md", "jq is not there");
else {
  Deno.test("the program for jq in README.md prints every record, and nothing else", async () => {
    const text = await Deno.readTextFile(join(ROOT, "README.md"));
    const program = /`jq -c '([^']+)'`/.exec(text)![1]!;
    await using directory = new TestDirectory();
    const records = [{ a: 1 }, null, false, [2], { batch: [3] }, 0, "seven"];
    {
      await using store = await MiniStore.open<unknown>(directory.at());
      for (const record of records.slice(0, 3)) await store.append(record);
      await store.appendBatch(records.slice(3, 5));
      await Promise.all(records.slice(5).map((record) => store.append(record)));
    }
    const { stdout } = await run("jq", "-c", program, directory.at());
    const printed = stdout.trimEnd().split("\n").map((line) =>
      JSON.parse(line)
    );
    assertEquals(printed, records);
  });

  Deno.test("the program for jq in docs/OPERATIONS.md prints the time of each commit", async () => {
    const text = await Deno.readTextFile(join(ROOT, "docs/OPERATIONS.md"));
    const program = /`jq -r '([^']+)'/.exec(text)![1]!;
    await using directory = new TestDirectory();
    {
      using _clock = new WallClock(Date.UTC(2026, 0, 1, 12, 30));
      await using store = await MiniStore.open<number>(directory.at(), {
        timestamps: true,
      });
      await Promise.all([1, 2].map((record) => store.append(record)));
      await store.append(3);
    }
    const { stdout } = await run("jq", "-r", program, directory.at());
    const time = "2026-01-01T12:30:00Z";
    assertEquals(stdout, `1 ${time}\n3 ${time}\n`);
  });
}
