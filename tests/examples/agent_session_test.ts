import { assert, assertEquals } from "@std/assert";
import { TestDirectory } from "../support/dir.ts";
import { Example } from "../support/program.ts";
import { Mount, skipped } from "../support/system.ts";

function exampleIn(directory: { readonly path: string }): Example {
  return new Example("agent_session.ts", directory.path);
}

/** Both sessions, as they can be read with no permission but to read. */
async function shown(example: Example): Promise<string[]> {
  const { code, stdout, stderr } = await example.run(["./session", "show"], {
    which: 2,
  });
  assertEquals([code, stderr], [0, ""]);
  return stdout.split("\n");
}

Deno.test("examples/agent_session.ts reads after a full disk all that it recorded, as the plain file does not", async () => {
  const mount = await Mount.tmpfs("256k");
  if (typeof mount === "string") return skipped("a full disk", mount);
  await using disk = mount;
  const example = exampleIn(disk);
  for (const [which, mode] of ["log", "plain"].entries()) {
    await Deno.writeFile(disk.at("other"), new Uint8Array(128 * 1024));
    await using program = example.start(["./session", mode], which);
    await program.write(`first\n${"x".repeat(200_000)}\n`);
    await program.lineWith("recorded first");
    const refused = await program.line();
    assert(refused.startsWith("not recorded"), refused);
    if (mode === "log") assertEquals(refused, "not recorded: NO_SPACE");
    await Deno.remove(disk.at("other"));
    await program.write("second\nexit\n");
    await program.lineWith("recorded second");
    await program.lineWith("recorded the end");
    assertEquals(await program.end(), { code: 0, stdout: "", stderr: "" });
  }
  assertEquals(await shown(example), [
    "log: first",
    "log: second",
    "log: the end",
    "plain: first",
    "plain: (unreadable)",
    "plain: the end",
  ]);
});

Deno.test("examples/agent_session.ts reads after a kill all that it recorded, as the plain file does not", async () => {
  await using directory = new TestDirectory();
  const example = exampleIn(directory);
  const halves = { log: '{"crc":"00', plain: '"ha' };
  for (const [which, mode] of (["log", "plain"] as const).entries()) {
    const args = ["./session", mode];
    {
      await using program = example.start(args, which);
      await program.write("run a tool\n");
      await program.lineWith("recorded run a tool");
      await program.kill();
    }
    const name = mode === "log" ? "session" : "plain";
    const path = directory.at(`session/${name}.jsonl`);
    // As a kill leaves a write that it has cut in two.
    await Deno.writeTextFile(path, halves[mode], { append: true });
    const again = await example.run(args, { input: "again\n", which });
    assertEquals([again.code, again.stderr], [0, ""]);
    const [first, ...others] = again.stdout.split("\n");
    if (mode === "log") {
      assertEquals(first, "1 events (torn, 10 bytes cut off)");
      assertEquals(others, ["recorded again", "recorded the end"]);
    }
  }
  assertEquals(await shown(example), [
    "log: run a tool",
    "log: again",
    "log: the end",
    "plain: run a tool",
    "plain: (unreadable)",
    "plain: the end",
  ]);
});

Deno.test("examples/agent_session.ts says how it is used", async () => {
  await using directory = new TestDirectory();
  const { code, stdout } = await exampleIn(directory).run(["./session"]);
  assertEquals([code, stdout.slice(0, 6)], [2, "usage:"]);
});
