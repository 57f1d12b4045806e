// The parts of the file system for Node that need no Node; `deno task runtimes` runs the others.
import { assertEquals, assertRejects } from "@std/assert";
import {
  birth,
  claimName,
  claimsIn,
  isFlocked,
  startTime,
} from "../../fs/node_claim.ts";
import { failure, isSandboxed, run } from "../../fs/runtime/errno.ts";

const OWNER = { pid: 42, birth: birth("0123456789abcdef", "777") };

Deno.test("a claim's name tells its lock and its owner, and no other name is one", () => {
  const name = claimName("j.jsonl.lock", OWNER);
  assertEquals(name, "j.jsonl.lock.42.01234567-777");
  const others = [
    "j.jsonl.lock",
    "j.jsonl.lock.42",
    "j.jsonl.lock.42.01234567-777.old",
    "j.jsonl.lock.x.01234567-777",
    claimName("k.jsonl.lock", OWNER),
  ];
  const claims = claimsIn([...others, name], "j.jsonl.lock");
  assertEquals(claims, [{ name, owner: OWNER }]);
});

Deno.test("a process has a start time while it lives, whatever its program is called", () => {
  const rest = "1 1 1 0 -1 4194304 0 0 0 0 0 0 0 0 20 0 1 0";
  const stat = (state: string) => `42 (a) b) (c) ${state} ${rest} 777 0 0\n`;
  assertEquals(startTime(stat("S")), "777");
  for (const state of ["Z", "X", "x"]) {
    assertEquals(startTime(stat(state)), undefined);
  }
});

Deno.test("a file has a flock where /proc/locks has one of its inode", () => {
  const locks = [
    "1: FLOCK  ADVISORY  WRITE 42 fe:01:1234 0 EOF",
    "2: POSIX  ADVISORY  WRITE 42 fe:01:99 0 EOF",
  ].join("\n");
  assertEquals([1234n, 234n, 99n].map((inode) => isFlocked(locks, inode)), [
    true,
    false,
    false,
  ]);
});

Deno.test("an operation that a signal has interrupted is tried again, and succeeds", async () => {
  let tries = 0;
  const done = await run(() => {
    if (++tries < 3) throw failure("EINTR", "read");
    return "done";
  });
  assertEquals([done, tries], ["done", 3]);
});

const NAMED: [thrown: unknown, code: string | undefined][] = [
  [failure("ENOENT", "open"), "ENOENT"],
  [
    Object.assign(new Error("x"), { code: "Unknown system error -122" }),
    "EDQUOT",
  ],
  [
    Object.assign(new Error("x"), { code: "Unknown system error -69" }),
    "EDQUOT",
  ],
  [new Error("File too large (os error 27)"), "EFBIG"],
  [new Error("odd (os error 5)"), undefined],
  [new Error("odd"), undefined],
  [new Deno.errors.NotCapable("Requires read access"), "ENOTCAPABLE"],
  [undefined, undefined],
];
for (const [thrown, code] of NAMED) {
  Deno.test(`the POSIX name of ${String(thrown)} is ${code}`, async () => {
    const failed = await run(() => {
      throw thrown;
    }).catch((error: unknown) => error);
    assertEquals(failed, thrown);
    assertEquals((failed as { code?: string } | undefined)?.code, code);
  });
}

Deno.test("Node's permission model refuses as EACCES, and says which flag would help", async () => {
  const flags = {
    FileSystemRead: "--allow-fs-read",
    other: "--allow-fs-write",
  };
  for (const [permission, flag] of Object.entries(flags)) {
    const denied = Object.assign(new Error("Access denied"), {
      code: "ERR_ACCESS_DENIED",
      permission,
      resource: "/data",
    });
    assertEquals(isSandboxed(denied), true);
    const error = await assertRejects(() => run(() => Promise.reject(denied)));
    const { code, message, cause } = error as Error & { code: string };
    assertEquals([code, cause], ["EACCES", denied]);
    assertEquals(message.includes(`${flag}=/data`), true, message);
  }
  const cannot = Object.assign(new Error("fsync API is disabled"), {
    code: "ERR_ACCESS_DENIED",
  });
  const error = await assertRejects(() => run(() => Promise.reject(cannot)));
  const { message } = error as Error;
  assertEquals(message.includes("nothing can be made durable"), true, message);
  assertEquals(isSandboxed(new Deno.errors.NotCapable("no")), true);
  assertEquals(isSandboxed(failure("EACCES", "open")), false);
  assertEquals(isSandboxed(undefined), false);
});
