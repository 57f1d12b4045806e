// The lock between processes: one writer at a time, whatever becomes of it.
import { assert, assertEquals } from "@std/assert";
import { TextLineStream } from "@std/streams/text-line-stream";
import { MiniStore } from "@mini/state/store";
import { TestDirectory } from "../support/dir.ts";
import { errorOf } from "../support/journal.ts";
import { say } from "../support/report.ts";
import { size } from "../support/size.ts";
import { denoArgs, run, skipped } from "../support/system.ts";

const ROUNDS = size(50, 500);

/** Another process that has the log open. */
class Holder {
  readonly #child: Deno.ChildProcess;
  readonly #lines: ReadableStreamDefaultReader<string>;
  readonly #orders: WritableStreamDefaultWriter<Uint8Array>;

  private constructor(path: string) {
    this.#child = new Deno.Command(Deno.execPath(), {
      args: denoArgs("lock_holder.ts", path),
      stdin: "piped",
      stdout: "piped",
    }).spawn();
    const lines: ReadableStream<string> = this.#child.stdout
      .pipeThrough(new TextDecoderStream())
      .pipeThrough(new TextLineStream());
    this.#lines = lines.getReader();
    this.#orders = this.#child.stdin.getWriter();
  }

  static async at(path: string): Promise<Holder> {
    const holder = new Holder(path);
    assertEquals(await holder.#told(), "open");
    return holder;
  }

  async #told(): Promise<string | undefined> {
    return (await this.#lines.read()).value;
  }

  /** Has it append; gives the record's number, or the code of the error. */
  async append(data: string): Promise<string | undefined> {
    await this.order(data);
    return await this.#told();
  }

  /** Has it append, now or once it continues. */
  order(data: string): Promise<void> {
    return this.#orders.write(new TextEncoder().encode(`${data}\n`));
  }

  /** Its answer to the last order. */
  told(): Promise<string | undefined> {
    return this.#told();
  }

  signal(signal: Deno.Signal): void {
    this.#child.kill(signal);
  }

  /** Ends it, or waits until it has ended. */
  async end(): Promise<void> {
    await this.#orders.close().catch(() => {});
    while (await this.#told() !== undefined);
    await this.#child.status;
  }
}

Deno.test("a log whose writer was killed with SIGKILL is free at once", async () => {
  await using directory = new TestDirectory();
  const holder = await Holder.at(directory.at());
  assertEquals(await holder.append("a"), "1");
  assertEquals((await errorOf(MiniStore.open(directory.at()))).code, "LOCKED");
  holder.signal("SIGKILL");
  await holder.end();
  await using store = await MiniStore.open<string>(directory.at());
  assertEquals(await store.append("b"), 2);
});

Deno.test("a log whose writer is stopped stays its own, and the writer continues", async () => {
  if (Deno.build.os === "windows") {
    return skipped("SIGSTOP", "Windows has no such signal");
  }
  await using directory = new TestDirectory();
  const holder = await Holder.at(directory.at());
  assertEquals(await holder.append("a"), "1");
  holder.signal("SIGSTOP");
  try {
    const error = await errorOf(MiniStore.open(directory.at()));
    assertEquals(error.code, "LOCKED");
    await holder.order("b");
  } finally {
    holder.signal("SIGCONT");
  }
  assertEquals(await holder.told(), "2");
  await holder.end();
  await using store = await MiniStore.open<string>(directory.at());
  assertEquals([store.sequence, store.recovery.outcome], [2, "clean"]);
});

Deno.test("a writer whose lock file was removed acknowledges nothing once another process writes", async () => {
  await using directory = new TestDirectory();
  const holder = await Holder.at(directory.at());
  assertEquals(await holder.append("a"), "1");
  try {
    await Deno.remove(directory.at("journal.jsonl.lock"));
  } catch (error) {
    await holder.end();
    return skipped("a lock file that is removed", String(error));
  }
  await using store = await MiniStore.open<string>(directory.at());
  assertEquals(await store.append("b"), 2);
  assertEquals(await holder.append("c"), "POISONED");
  assertEquals(await store.append("d"), 3);
  await holder.end();
  const data = await Array.fromAsync(store.replay(), (record) => record.data);
  assertEquals(data, ["a", "b", "d"]);
});

Deno.test("processes that open one log again and again never have it at the same time", async () => {
  await using directory = new TestDirectory();
  const path = directory.at();
  const contenders = await Promise.all(
    ["one", "two"].map((name) =>
      run(
        Deno.execPath(),
        ...denoArgs("lock_contender.ts", path, name, String(ROUNDS)),
      )
    ),
  );
  const told = contenders.flatMap(({ success, stdout, stderr }) => {
    assert(success, stderr);
    return stdout.trim().split("\n");
  });
  await using store = await MiniStore.open<string>(path);
  const records = await Array.fromAsync(
    store.replay(),
    ({ seq, data }) => `${seq} ${data}`,
  );
  const bySeq = (some: string, other: string) =>
    parseInt(some) - parseInt(other);
  assertEquals(told.sort(bySeq), records);
  assertEquals(records.length, 2 * ROUNDS);
  say(`${ROUNDS} rounds each of two processes for one lock: 0 violations`);
});
