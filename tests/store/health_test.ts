import { assert, assertEquals, assertRejects } from "@std/assert";
import { type Health, type HealthOptions, MiniStore } from "@mini/state/store";
import { type Fault, MemoryFileSystem } from "@mini/state/testing";

const PATH = "/data/journal.jsonl";

/** The status and the codes. */
function brief({ status, reasons }: Health): string {
  return [status, ...reasons.map(({ code }) => code)].join(" ");
}

/** Fails the calls of one kind. */
function failing(
  fs: MemoryFileSystem,
  operation: string,
  code: string,
  path = "",
): void {
  fs.hooks.before = (call): Fault | undefined =>
    call.operation === operation && call.path.includes(path)
      ? { code }
      : undefined;
}

Deno.test("health() of a log in order is ok, of a closed one failed", async () => {
  const fs = new MemoryFileSystem();
  const store = await MiniStore.open<string>(PATH, { fs });
  await store.append("a");
  assertEquals(await store.health(), { status: "ok", reasons: [] });
  await store.close();
  assertEquals(await store.health(), {
    status: "failed",
    reasons: [{
      code: "CLOSED",
      severity: "failed",
      message: `"${PATH}" was closed: open it again to use it`,
    }],
  });
});

Deno.test("health() of a poisoned log has failed, with the error, until it is opened again", async () => {
  const fs = new MemoryFileSystem();
  const store = await MiniStore.open<string>(PATH, { fs });
  failing(fs, "sync", "EIO");
  const { message } = await assertRejects(() => store.append("a"), Error);
  const health = await store.health();
  assertEquals(brief(health), "failed POISONED");
  const [reason] = health.reasons;
  assertEquals(reason!.error?.code, "POISONED");
  assert(reason!.message.startsWith(message), reason!.message);
  assertEquals(JSON.parse(JSON.stringify(health)), health);
  await store.close();
  assertEquals(brief(await store.health()), "failed CLOSED");
  fs.hooks = {};
  fs.restart();
  await using again = await MiniStore.open<string>(PATH, { fs });
  assertEquals(brief(await again.health()), "ok");
});

Deno.test("health() of a log tells of a full disk until an append succeeds", async () => {
  const fs = new MemoryFileSystem();
  await using store = await MiniStore.open<string>(PATH, { fs });
  await store.append("a");
  fs.capacityBytes = 10;
  await assertRejects(() => store.append("b"));
  const health = await store.health();
  assertEquals(brief(health), "degraded NO_SPACE DISK_NEARLY_FULL");
  assertEquals(health.reasons[0]!.error?.code, "NO_SPACE");
  fs.capacityBytes = Infinity;
  assertEquals(brief(await store.health()), "degraded NO_SPACE");
  await store.append("b");
  assertEquals(brief(await store.health()), "ok");
});

Deno.test("health() of a log tells of a disk that is nearly full, where the process may know", async () => {
  const fs = new MemoryFileSystem();
  fs.capacityBytes = 100 * 1024 * 1024;
  await using store = await MiniStore.open<string>(PATH, { fs });
  const { reasons: [reason] } = await store.health();
  assertEquals([reason!.code, reason!.severity], [
    "DISK_NEARLY_FULL",
    "degraded",
  ]);
  assert(
    /nearly full: 100(\.0)? MiB are free, and minFreeBytes is 256 MiB/
      .test(reason!.message),
    reason!.message,
  );
  const least = { minFreeBytes: 1024 };
  assertEquals(brief(await store.health(least)), "ok");
  const { calls } = fs;
  await store.health({ minFreeBytes: 0 });
  // It lists the consumers, and asks for no space.
  assertEquals(fs.calls, calls + 1);
  failing(fs, "freeBytes", "ENOTCAPABLE");
  assertEquals(brief(await store.health()), "ok");
});

Deno.test("health() of a log on a file system that tells no free space judges none", async () => {
  const memory = new MemoryFileSystem();
  const fs = new Proxy(memory, {
    get(_, key) {
      if (key === "freeBytes") return undefined;
      const member = Reflect.get(memory, key, memory);
      return typeof member === "function" ? member.bind(memory) : member;
    },
  });
  memory.capacityBytes = 10_000;
  await using store = await MiniStore.open<string>(PATH, { fs });
  assertEquals(brief(await store.health()), "ok");
});

Deno.test("health() of a log tells of an fsync that took slowMs, and of a commit that is under way as long", async () => {
  const fs = new MemoryFileSystem();
  await using store = await MiniStore.open<string>(PATH, { fs, slowMs: 1 });
  let during: Promise<Health> | undefined;
  fs.hooks.before = ({ operation }) => {
    if (operation !== "sync" || during !== undefined) return undefined;
    const start = performance.now();
    while (performance.now() - start < 1);
    during = store.health();
    return undefined;
  };
  await store.append("slow");
  const underWay = await during!;
  assertEquals(brief(underWay), "degraded SLOW_DISK");
  assert(/a commit has been under way/.test(underWay.reasons[0]!.message));
  const over = await store.health();
  assertEquals(brief(over), "degraded SLOW_DISK");
  assert(/the last fsync took \d+ ms/.test(over.reasons[0]!.message));
});

Deno.test("health() of a log tells of a rotation that fails until one succeeds", async () => {
  const fs = new MemoryFileSystem();
  await using store = await MiniStore.open<string>(PATH, {
    fs,
    maxSegmentBytes: 1,
  });
  failing(fs, "create", "EACCES");
  await store.append("a");
  await store.sync(); // after the rotation
  const health = await store.health();
  assertEquals(brief(health), "degraded ROTATION_FAILING");
  assertEquals(health.reasons[0]!.error?.code, "PERMISSION");
  fs.hooks = {};
  await store.rotate();
  assertEquals(brief(await store.health()), "ok");
});

Deno.test("health() of a log tells that what is beyond keep cannot be removed", async () => {
  const fs = new MemoryFileSystem();
  await using store = await MiniStore.open<string>(PATH, {
    fs,
    keep: { records: 1 },
  });
  failing(fs, "remove", "EACCES");
  for (const each of ["a", "b", "c"]) {
    await store.append(each);
    await store.rotate();
  }
  assertEquals(brief(await store.health()), "degraded KEEP_FAILING");
  fs.hooks = {};
  await store.append("d");
  await store.rotate();
  assertEquals(brief(await store.health()), "ok");
});

Deno.test("health() of a log tells of consumers that are far behind, and of those that nobody can read", async () => {
  const fs = new MemoryFileSystem();
  await using store = await MiniStore.open<string>(PATH, { fs });
  {
    await using behind = await store.consumer("behind");
    await store.appendBatch(["a", "b", "c"]);
    await using upToDate = await store.consumer("up-to-date");
    await upToDate.reset(3);
    await behind.reset(1);
  }
  const maxLag = 1;
  const health = await store.health({ maxLag });
  assertEquals(health.reasons, [{
    code: "CONSUMER_BEHIND",
    severity: "degraded",
    message:
      `Consumer "behind" of "${PATH}" is 2 records behind, and maxLag is 1: it has committed record 1, and compaction keeps what is after that`,
  }]);
  assertEquals(brief(await store.health({ maxLag: 2 })), "ok");
  assertEquals(brief(await store.health()), "ok");

  fs.put(`${PATH}.consumer.behind`, new TextEncoder().encode("no position"));
  const damaged = await store.health({ maxLag });
  assertEquals(brief(damaged), "degraded CONSUMER_UNREADABLE");
  assert(damaged.reasons[0]!.error?.code !== undefined);

  failing(fs, "list", "EIO");
  const unlisted = await store.health();
  assertEquals(brief(unlisted), "degraded CONSUMER_UNREADABLE");
  assertEquals(unlisted.reasons[0]!.error?.code, "IO");
});

Deno.test("health() of a log refuses options that do not exist, and thresholds that are none", async () => {
  const fs = new MemoryFileSystem();
  await using store = await MiniStore.open<string>(PATH, { fs });
  const health = (options: unknown) => store.health(options as HealthOptions);
  await assertRejects(() => health({ maxlag: 1 }), TypeError, '"maxlag"');
  for (const maxLag of [-1, NaN, "1"]) {
    await assertRejects(() => health({ maxLag }), RangeError, "maxLag");
  }
  await store.health({ maxLag: Infinity });
});

Deno.test("health() of a log takes undefined for an option that was left out", async () => {
  const fs = new MemoryFileSystem();
  await using store = await MiniStore.open<string>(PATH, { fs });
  await using _ = await store.consumer("reader");
  await store.append("a");
  const options: Record<string, unknown> = {
    minFreeBytes: undefined,
    maxLag: undefined,
  };
  assertEquals(brief(await store.health(options)), "ok");
});
