import { MiniQueue } from "@mini/state/queue";
import { assertEquals } from "@std/assert";
import { delay } from "@std/async/delay";
// deno-lint-ignore mini/imports -- the seam to the process, so that no test needs one
import { run } from "../../cli/run.ts";
import { TestDirectory } from "../support/dir.ts";
import { fixture, mini, miniCommand } from "../support/mini.ts";

/** Texts, and how many columns each takes. */
const TEXTS: readonly [text: string, columns: number][] = [
  ["abc", 3],
  ["日本語", 6],
  ["한글", 4],
  ["Ａ", 2],
  ["ｱ", 1],
  ["e\u0301", 1],
  ["a\u200bb", 2],
  ["👍", 2],
  ["👍🏽", 2],
  ["👨‍👩‍👧", 2],
  ["🇩🇪", 2],
  ["❤️", 2],
  ["❤", 1],
  ["…", 1],
  ["𠮷", 2],
];

Deno.test("mini aligns columns that hold wide characters, emoji and combining marks", async () => {
  await using directory = new TestDirectory();
  {
    await using queue = await MiniQueue.open<string>(directory.path);
    for (const [group] of TEXTS) await queue.enqueue("x", { group });
  }
  const args = ["queue", "peek", directory.path, "-n", "99"];
  const { stdout } = await mini(args);
  const lines = stdout.trimEnd().split("\n");
  assertEquals(lines.length, TEXTS.length);
  for (const [at, [text, columns]] of TEXTS.entries()) {
    const id = String(at + 1).padStart(2);
    const gap = " ".repeat(6 - columns);
    assertEquals(lines[at], `${id}  new  ${text}${gap}  "x"`);
  }
});

Deno.test("mini cuts what is too wide at a whole character", async () => {
  await using directory = new TestDirectory();
  const texts = [
    "日".repeat(100),
    "👨‍👩‍👧".repeat(40),
    "e\u0301".repeat(200),
    "ab",
  ];
  {
    await using queue = await MiniQueue.open<string>(directory.path);
    for (const text of texts) await queue.enqueue(text);
  }
  // Of 80 columns 30 are for the rest.
  const { stdout } = await mini(["queue", "peek", directory.path]);
  const shown = stdout.trimEnd().split("\n").map((line) =>
    line.slice(line.indexOf('"'))
  );
  assertEquals(shown, [
    `"${"日".repeat(24)}…`,
    `"${"👨‍👩‍👧".repeat(24)}…`,
    `"${"e\u0301".repeat(48)}…`,
    '"ab"',
  ]);
});

/** The last line that a command prints where colours are wanted, or not. */
async function painted(hasColour: boolean): Promise<string> {
  let printed = "";
  await run(["verify", fixture("v1/whole")], {
    isInteractive: false,
    isPipe: true,
    showsProgress: true,
    hasColour,
    columns: 12,
    write: (text) => Promise.resolve(void (printed += text)),
    clear: () => Promise.resolve(),
    complain: () => {},
    now: () => performance.now(),
    sleep: delay,
  });
  return printed.trimEnd().split("\n").at(-1)!;
}

Deno.test("mini paints where colours are wanted, and nowhere else", async () => {
  assertEquals(await painted(true), "\u001b[32mall is well\u001b[39m");
  assertEquals(await painted(false), "all is well");
});

Deno.test("mini in a pipe paints only where FORCE_COLOR says so", async () => {
  const [plain, green] = ["all is well", "\u001b[32mall is well\u001b[39m"];
  const cases = [
    [{}, [], plain],
    [{ FORCE_COLOR: "1" }, ["--allow-env=FORCE_COLOR"], green],
    [{ FORCE_COLOR: "0" }, ["--allow-env=FORCE_COLOR"], plain],
    // It asks for no permission.
    [{ FORCE_COLOR: "1" }, [], plain],
  ] as const;
  for (const [env, flags, want] of cases) {
    const args = miniCommand(["verify", fixture("v1/whole")], ["-R", ...flags]);
    const { stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args,
      env: { NO_COLOR: "", FORCE_COLOR: "", ...env },
    }).output();
    const [text, told] = [stdout, stderr].map((bytes) =>
      new TextDecoder().decode(bytes)
    );
    assertEquals(told, "");
    assertEquals(text!.trimEnd().split("\n").at(-1), want);
  }
});
