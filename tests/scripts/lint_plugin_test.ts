import { assertEquals } from "@std/assert";
import { walk } from "@std/fs";
import { dirname, join, relative } from "@std/path";
import { ROOT } from "../support/child.ts";
import { BREACHES, FILE_BREACHES } from "../../scripts/breaches.ts";
import plugin, { importProblem, RULES } from "../../scripts/lint_plugin.ts";

/** The messages of the rules for a file of this name and text. */
function problems(
  path: string,
  text: string,
  rules: Deno.lint.Plugin = plugin,
): string[] {
  const root = new URL("../../", import.meta.url);
  const found = Deno.lint.runPlugin(rules, new URL(path, root).pathname, text);
  return found.map((diagnostic) => diagnostic.message);
}

Deno.test("lint: a file may have 300 lines of code, and 750 in all", () => {
  const code = "f();\n";
  const comment = "/** Says f. */\n// More.\n\n";
  assertEquals(problems("store/x.ts", code.repeat(300)), []);
  assertEquals(problems("store/x.ts", (code + comment).repeat(187)), []);
  assertEquals(problems("store/x.ts", code.repeat(301) + comment), [
    "301 lines of code, and 300 is the most",
  ]);
  assertEquals(problems("store/x.ts", (code + comment).repeat(188)), [
    "751 lines, and 750 is the most",
  ]);
});

Deno.test("lint: a function may have 70 lines", () => {
  const functionOf = (lines: number) =>
    `function f() {\n${"g();\n".repeat(lines - 2)}}\n`;
  assertEquals(problems("store/x.ts", functionOf(70)), []);
  const message = "a function of 71 lines, and 70 is the most";
  assertEquals(problems("store/x.ts", functionOf(71)), [message]);
  assertEquals(
    problems("store/x.ts", `class C { m() {\n${"g();\n".repeat(70)}} }`).length,
    1,
  );
});

Deno.test("lint: only the file-system implementation calls the operating system", () => {
  const message = "only fs/ may call the operating system";
  assertEquals(problems("store/x.ts", "Deno.open(path);"), [message]);
  assertEquals(problems("testing/x.ts", 'import "node:fs/promises";'), [
    message,
  ]);
  assertEquals(problems("fs/deno.ts", "Deno.open(path);"), []);
  assertEquals(problems("tests/store/x_test.ts", "Deno.open(path);"), []);
  assertEquals(problems("store/x.ts", 'import "node:buffer";'), []);
});

Deno.test("lint: a module keeps no map, but for data about objects of others", () => {
  const message = (name: string) =>
    `a module may not keep a ${name}: give it to an object`;
  const weak = "const STATES = new WeakMap();";
  assertEquals(problems("state/x.ts", weak), [message("WeakMap")]);
  assertEquals(problems("state/x.ts", `export ${weak}`), [message("WeakMap")]);
  assertEquals(problems("cli/x.ts", "const a = { b: [new Map()] };"), [
    message("Map"),
  ]);
  assertEquals(problems("cli/x.ts", "class C { static a = new Map(); }"), [
    message("Map"),
  ]);
  assertEquals(problems("cli/x.ts", "class C { a = new Map(); }"), []);
  assertEquals(problems("cli/x.ts", "const f = () => new Map();"), []);
  assertEquals(problems("cli/x.ts", "const NAMES = new Set();"), []);
  assertEquals(problems("queue/ledger/ready_index.ts", weak), []);
  assertEquals(problems("tests/x_test.ts", weak), []);
});

Deno.test("lint: only fs/ tests for ENOENT", () => {
  const text = 'if (code === "ENOENT") f();';
  assertEquals(problems("store/x.ts", text), [
    "only fs/ may test for ENOENT: use fs/directory.ts",
  ]);
  assertEquals(problems("fs/directory.ts", text), []);
  assertEquals(problems("tests/store/x_test.ts", text), []);
});

Deno.test("lint: only clocks and second looks set a timer", () => {
  const message = "only a clock may set a timer: wait for an event";
  const calls = [
    "setTimeout(f, 5);",
    "globalThis.setInterval(f, 5);",
    "AbortSignal.timeout(5);",
  ];
  for (const text of calls) {
    assertEquals(problems("queue/x.ts", text), [message]);
    assertEquals(problems("queue/clock.ts", text), []);
    assertEquals(problems("tests/queue/x_test.ts", text), []);
  }
});

Deno.test("lint: a template may have 40 lines, but in what is generated", () => {
  const text = (lines: number) => `f(\`${"a\n".repeat(lines - 1)}\`);`;
  assertEquals(problems("cli/x.ts", text(40)), []);
  assertEquals(problems("cli/x.gen.ts", text(41)), []);
  assertEquals(problems("cli/x.ts", text(41)), [
    "a template of 41 lines, and 40 is the most",
  ]);
});

Deno.test("lint: published code uses nothing that Node 20 lacks", () => {
  const message = "Node 20 has no `using`";
  const disposed = "async function f() { await using a = b; using c = d; }";
  assertEquals(problems("store/x.ts", disposed), [message, message]);
  assertEquals(
    problems("cli/x.ts", "Promise.withResolvers();"),
    ["Node 20 has no Promise.withResolvers"],
  );
  assertEquals(problems("fs/deno.ts", "Array.fromAsync(list);"), []);
  assertEquals(problems("tests/store/x_test.ts", disposed), []);
});

Deno.test("lint: every way to import a module is looked at", () => {
  const imports = [
    'import { a } from "node:fs";',
    'import "node:fs";',
    'export * from "node:fs";',
    'export { a } from "node:fs";',
    'await import("node:fs");',
  ];
  for (const text of imports) {
    assertEquals(problems("store/x.ts", text), [
      "only fs/ may call the operating system",
    ]);
  }
  assertEquals(problems("store/x.ts", "await import(url);"), []);
});

const IMPORTS: [
  from: string,
  specifier: string,
  message: string | undefined,
][] = [
  ["store/x.ts", "./line.ts", undefined],
  ["store/x.ts", "../state/mod.ts", "store may not import state"],
  ["store/x.ts", "../testing/mod.ts", "store may not import testing"],
  ["state/x.ts", "../store/mod.ts", undefined],
  ["state/x.ts", "../queue/mod.ts", "state may not import queue"],
  ["queue/x.ts", "../state/mod.ts", undefined],
  ["testing/x.ts", "../fs/file_system.ts", undefined],
  ["testing/x.ts", "../store/mod.ts", undefined],
  [
    "testing/x.ts",
    "../store/line.ts",
    "testing may import store/mod.ts, and nothing else of store",
  ],
  ["base/x.ts", "../fs/file_system.ts", "base may not import fs"],
  ["fs/x.ts", "../base/errors.ts", undefined],
  ["snap/x.ts", "../store/mod.ts", "snap may not import store"],
  [
    "state/x.ts",
    "../store/writer.ts",
    "state may import store/mod.ts, and nothing else of store",
  ],
  ["testing/x.ts", "../tests/support/dir.ts", "testing may not import tests"],
  ["cli/x.ts", "../queue/mod.ts", undefined],
  ["cli/x.ts", "../testing/mod.ts", "cli may not import testing"],
  ["queue/x.ts", "../cli/mod.ts", "queue may not import cli"],
  ["mod.ts", "./cli/mod.ts", "mod.ts may not import cli"],
  ["cli/x.ts", "node:process", "only cli/main.ts may touch the process"],
  ["cli/main.ts", "node:process", undefined],
  ["cli/inspect_server.ts", "node:http", undefined],
  [
    "inspect/api.ts",
    "node:http",
    "only fs/ may call the operating system",
  ],
  ["store/x.ts", "node:process", "only cli/main.ts may touch the process"],
  ["fs/node.ts", "node:process", undefined],
  ["base/checksum.ts", "node:zlib", undefined],
  ["snap/x.ts", "node:zlib", "only base/checksum.ts may import node:zlib"],
  ["tests/store/x_test.ts", "node:zlib", undefined],
  ["jetstream/stream.ts", "@nats-io/nats-core", undefined],
  [
    "state/x.ts",
    "@nats-io/nats-core",
    "only jetstream/ may load the client of NATS",
  ],
  ["jetstream/x.ts", "../state/mod.ts", undefined],
  ["tests/store/x_test.ts", "@nats-io/nats-core", undefined],
  ["mod.ts", "./store/mod.ts", undefined],
  ["mod.ts", "./scripts/setup.ts", "mod.ts may not import scripts"],
  [
    "tests/store/x_test.ts",
    "../../store/line.ts",
    "tests import by the public names",
  ],
  ["tests/store/x_test.ts", "../../fs/node_claim.ts", undefined],
  ["tests/store/x_test.ts", "../support/dir.ts", undefined],
  ["tests/scripts/x_test.ts", "../../scripts/tidy.ts", undefined],
];
for (const [from, specifier, message] of IMPORTS) {
  Deno.test(`lint: ${from} ${message ? "may not" : "may"} import ${specifier}`, () => {
    assertEquals(importProblem(from, specifier), message);
  });
}

Deno.test("lint: every known breach of the imports is still one, so that the list becomes shorter", async () => {
  const left = new Set(BREACHES);
  const imports = /^(?:import|export)[^;]*? from "(\.[^"]+|node:\w+)";/gms;
  for (
    const folder of [
      "store",
      "snap",
      "state",
      "queue",
      "admin",
      "inspect",
      "cli",
    ]
  ) {
    for await (const { path } of walk(join(ROOT, folder), { exts: [".ts"] })) {
      const text = await Deno.readTextFile(path);
      for (const [, specifier] of text.matchAll(imports)) {
        const target = specifier!.startsWith(".")
          ? placeOf(join(dirname(path), specifier!))
          : specifier;
        left.delete(`${folder} ${target}`);
        left.delete(`${placeOf(path)} ${target}`);
      }
    }
  }
  assertEquals([...left], []);
});

function placeOf(path: string): string {
  return relative(ROOT, path).replaceAll("\\", "/");
}

for (const [rule, files] of Object.entries(FILE_BREACHES)) {
  Deno.test(`lint: every known breach of ${rule} is still one, so that the list becomes shorter`, async () => {
    const strict = { name: "mini", rules: { [rule]: RULES[rule]! } };
    const mended: string[] = [];
    for (const file of files) {
      const text = await Deno.readTextFile(join(ROOT, file)).catch(() => "");
      if (problems(file, text, strict).length === 0) mended.push(file);
    }
    assertEquals(mended, []);
  });
}
