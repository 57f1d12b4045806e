import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import type { Page } from "playwright-core";
import {
  ACTIONS,
  createInspector,
  type InspectOptions,
  type Inspector,
  type InspectTarget,
} from "@mini/state/inspect";
import { MiniQueue } from "@mini/state/queue";
import { StateManager } from "@mini/state/state";
import { MiniStore } from "@mini/state/store";
import { barriers, overhang } from "../support/barriers.ts";
import { TestDirectory } from "../support/dir.ts";
import { type Server, SERVERS } from "../support/mounts.ts";
import { pageTest } from "../support/page_test.ts";

/** An inspector in a server, below a path of its own. */
class Mounted implements AsyncDisposable {
  readonly url: URL;
  readonly #inspector: Inspector;
  readonly #server: Server;

  private constructor(inspector: Inspector, server: Server) {
    this.#inspector = inspector;
    this.#server = server;
    this.url = new URL(`http://127.0.0.1:${server.port}/admin/log/`);
  }

  static async in(
    name: string,
    target: InspectTarget,
    options: Partial<InspectOptions> = {},
  ): Promise<Mounted> {
    const inspector = createInspector(target, {
      authorize: () => true,
      ...options,
    });
    return new Mounted(inspector, await SERVERS[name]!(inspector));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#inspector.close();
    await this.#server[Symbol.asyncDispose]();
  }
}

async function openQueue(page: Page): Promise<void> {
  await page.getByRole("tab", { name: /^Queue/ }).click();
  await page.getByRole("heading", { name: "Messages now" }).waitFor();
  await page.getByText("watching").waitFor();
}

for (const name of ["Deno.serve", "mount() of Hono", "Express"]) {
  pageTest(
    `two pages in ${name} act on the same dead letter: one wins, and both are told`,
    async (browser) => {
      await using directory = new TestDirectory();
      await using queue = await MiniQueue.open<string>(directory.path, {
        maxAttempts: 1,
      });
      for (const payload of ["doomed", "lost"]) {
        await queue.enqueue(payload);
        await (await queue.receive())?.deadLetter("no such user");
      }
      await using mounted = await Mounted.in(name, queue, {
        actions: ACTIONS,
        authorize: ({ headers }) => headers.get("authorization") === "Bearer 1",
      });
      const headers = { authorization: "Bearer 1" };
      const { page: stranger } = await browser.open(mounted.url);
      await stranger.getByText("not allowed").waitFor();
      const { page: one, troubles } = await browser.open(mounted.url, {
        headers,
      });
      const { page: two, troubles: more } = await browser.open(mounted.url, {
        headers,
      });
      for (const page of [one, two]) await openQueue(page);
      const doomed = one.getByRole("row", { name: /doomed/ });
      await doomed.getByRole("button", { name: "Redrive" }).click();
      const told = (page: Page) =>
        page.getByRole("region", { name: "Actions" });
      await told(one).getByText("1 message redriven").waitFor();
      await told(two).getByText(/elsewhere: 1 message redriven/).waitFor();
      assert(!(await told(one).innerText()).includes("elsewhere"));
      for (const page of [one, two]) {
        await page.getByRole("row", { name: /doomed.*new/ }).waitFor();
        await page.getByRole("tab", { name: "Queue 1 dead" }).waitFor();
      }

      // What cannot be undone is asked about, and may be left.
      const lost = two.getByRole("row", { name: /lost/ });
      await lost.getByRole("button", { name: "Purge" }).click();
      const dialog = two.getByRole("dialog", { name: /Remove dead letter 2/ });
      await dialog.getByRole("button", { name: "Leave it" }).click();
      assertEquals((await queue.stats()).dead, 1);
      await lost.getByRole("button", { name: "Purge" }).click();
      await dialog.getByRole("button", { name: "Purge" }).click();
      await two.getByRole("tab", { name: "Queue", exact: true }).waitFor();
      await one.getByRole("tab", { name: "Queue", exact: true }).waitFor();
      assertEquals((await queue.stats()).dead, 0);
      assertEquals([...troubles, ...more], []);
    },
  );
}

pageTest(
  "the page shows of an open queue who holds what, its schedules and limits, and how fast it goes",
  async (browser) => {
    await using directory = new TestDirectory();
    await using queue = await MiniQueue.open<string>(directory.path, {
      keepFinished: { count: 1_000, ageMs: 86_400_000 },
      schedules: {
        backup: {
          payload: "backup",
          when: { nextRun: () => new Date("2099-01-02T03:00:00Z") },
        },
      },
    });
    await using mounted = await Mounted.in("Deno.serve", queue, {
      actions: ACTIONS,
      authorize: (_, action) => action === undefined || action !== "purge",
    });
    const { page, troubles } = await browser.open(mounted.url);
    await openQueue(page);
    await queue.enqueue("under way");
    await queue.enqueue("received");
    const stop = new AbortController();
    const started = Promise.withResolvers<void>();
    const worker = queue.work(async (_, { signal }) => {
      started.resolve();
      await new Promise((resolve) => signal.addEventListener("abort", resolve));
    }, { signal: stop.signal, concurrency: 1 });
    await started.promise;
    await using held = await queue.receive();
    assert(held !== undefined);
    const row = (name: RegExp) => page.getByRole("row", { name });
    await row(/under way/).getByText(/its handler runs for/).waitFor();
    await row(/received/).getByText(/received for .* taken back in/).waitFor();
    await row(/backup.*2099-01-02 03:00 UTC/).waitFor();
    await page.getByText(/keeps the last 1,000 messages/).waitFor();
    await page.getByText("Messages a second").waitFor();
    await page.locator("polyline.enqueued").first().waitFor();
    for (const width of [1280, 360]) {
      await page.setViewportSize({ width, height: 740 });
      assertEquals(await barriers(page), []);
      assertEquals(await overhang(page), 0);
    }
    // There is no button for what this page may not do.
    assertEquals(await page.getByRole("button", { name: /Purge/ }).count(), 0);
    await page.getByRole("button", { name: "Pause" }).click();
    await page.getByText("paused: nothing is delivered").waitFor();
    await page.getByRole("button", { name: "Resume" }).waitFor();
    assert((await queue.stats()).paused);
    stop.abort();
    await worker;
    assertEquals(troubles, []);
  },
);

pageTest(
  "the page of an open state or log shows what no file tells, and takes snapshots",
  async (browser) => {
    await using directory = new TestDirectory();
    await using state = await StateManager.open<number[], number>(
      directory.at("state"),
      { initial: () => [], apply: (all, one) => void all.push(one) },
    );
    for (const one of [1, 2, 3]) await state.apply(one);
    await using mounted = await Mounted.in("Deno.serve", state, {
      actions: ["snapshot"],
    });
    const { page, troubles } = await browser.open(mounted.url);
    await page.getByRole("tab", { name: "State" }).click();
    await page.getByRole("heading", { name: "State as of record 3" }).waitFor();
    await page.getByRole("tab", { name: "Files" }).click();
    await page.getByRole("button", { name: "Snapshot" }).click();
    await page.getByRole("link", { name: "record 3", exact: true }).waitFor();
    const told = page.getByRole("region", { name: "Actions" });
    await told.getByText("snapshot").waitFor();
    const status = page.getByRole("term").getByText("health").locator("..");
    await status.getByText("ok").waitFor();
    assertEquals(troubles, []);
    // A refusal is told as well.
    await state.close();
    await page.getByRole("button", { name: "Snapshot" }).click();
    await told.getByText("CLOSED").waitFor();
    await told.getByRole("button", { name: "Close" }).click();
    await told.getByText("CLOSED").waitFor({ state: "detached" });
    assertEquals(
      await page.getByRole("button", { name: "Compact" }).count(),
      0,
    );

    await using store = await MiniStore.open<string>(directory.at("log"));
    for (const text of ["a", "b", "c"]) await store.append(text);
    {
      await using consumer = await store.consumer("mailer");
      for await (const { seq } of consumer.follow()) {
        await consumer.commit(seq);
        break;
      }
    }
    await using other = await Mounted.in("Deno.serve", store);
    const { page: log } = await browser.open(other.url);
    await log.getByRole("tab", { name: "Files" }).click();
    const row = log.getByRole("row", { name: /mailer/ });
    assertStringIncludes(await row.innerText(), "2 records");
    assertEquals(await log.getByText("Health: ").count(), 0);
    const position = `${store.path}.consumer.mailer`;
    await Deno.writeTextFile(position, "no position");
    await log.reload();
    const trouble = log.getByRole("region", { name: "What is wrong" });
    await trouble.getByText(/^Health: degraded CONSUMER_UNREADABLE: /)
      .waitFor();
  },
);
