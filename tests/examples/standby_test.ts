import { assert, assertEquals } from "@std/assert";
import { StateView } from "@mini/state/state";
import { TestDirectory } from "../support/dir.ts";
import { Example } from "../support/program.ts";
import { say } from "../support/report.ts";
import { size } from "../support/size.ts";

Deno.test("examples/standby.ts takes over from writers that are killed, and loses nothing", async () => {
  await using directory = new TestDirectory();
  const example = new Example("standby.ts", directory.path);
  const rounds = size(2, 30);
  const args = ["./ledger", String(rounds)];
  const { code, stdout, stderr } = await example.run(args);
  assertEquals([code, stderr], [0, ""], stdout);
  const lines = stdout.split("\n");
  assertEquals(lines.length, rounds + 1);
  const [count, sum, lost] = lines.at(-1)!.match(/\d+/g)!.map(Number);
  assert(count! >= rounds * 200, stdout);
  assertEquals([sum, lost], [2 * count!, 0]);
  await using view = await StateView.open(directory.at("ledger"), {
    initial: () => 0,
    apply: (count, _: number) => count + 1,
  });
  assertEquals([view.state, view.sequence], [count, count]);
  say(`${rounds} writers killed beside a standby, ${count} records, 0 lost`);
});

Deno.test("examples/standby.ts says how it is used", async () => {
  await using directory = new TestDirectory();
  const example = new Example("standby.ts", directory.path);
  for (const args of [[], ["./ledger", "0"]]) {
    const { code, stdout } = await example.run(args);
    assertEquals([code, stdout], [2, "usage: standby.ts DIR [ROUNDS]"]);
  }
});
