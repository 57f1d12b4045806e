import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import type { Page } from "playwright-core";
import { MiniQueue } from "@mini/state/queue";
import { MiniStore } from "@mini/state/store";
import { openCounter } from "../support/counter.ts";
import { TestDirectory } from "../support/dir.ts";
import { Inspector, makeCounter, programIn } from "../support/inspect.ts";
import { jobEntries, writeEntries } from "../support/jobs.ts";
import { fixture } from "../support/mini.ts";
import { pageTest } from "../support/page_test.ts";

/** The record of the list that is picked. */
function picked(page: Page) {
  return page.getByRole("option", { selected: true });
}

function heading(page: Page, name: string | RegExp) {
  return page.getByRole("heading", { name, exact: true });
}

pageTest(
  "the page shows records, finds them by text and by number, and what each has changed",
  async (browser) => {
    await using directory = new TestDirectory();
    await makeCounter(directory.at("state"));
    const program = await programIn(directory);
    await using inspector = await Inspector.start(directory.at("state"), [
      "--apply",
      program,
    ], [program]);
    const { page, troubles } = await browser.open(inspector.url);
    await heading(page, directory.at("state/journal.jsonl")).waitFor();
    await heading(page, "Record 41").waitFor();
    assertStringIncludes(await picked(page).innerText(), "41");

    await page.keyboard.press("/");
    await page.keyboard.type("note 2");
    await page.keyboard.press("Enter");
    await page.getByText("2 records found").waitFor();
    await page.getByRole("button", { name: /note 25/ }).click();
    await heading(page, "Record 25").waitFor();
    await page.getByText("$.log[4]").waitFor();
    assertEquals(
      await page.locator("ins").allInnerTexts(),
      ["after:\n325", 'after:\n"note 25"'],
    );
    assertStringIncludes(await picked(page).innerText(), "note 25");

    await page.getByRole("searchbox").fill("4711");
    await page.keyboard.press("Enter");
    await page.getByText("there is no record 4,711: there are 1 to 41")
      .waitFor();
    await heading(page, "Record 25").waitFor();
    await page.getByRole("searchbox").fill("12");
    await page.keyboard.press("Enter");
    await heading(page, "Record 12").waitFor();
    assertEquals(await page.locator("#found").isVisible(), false);
    await page.getByRole("button", { name: "Next record" }).click();
    await heading(page, "Record 13").waitFor();
    await page.getByRole("textbox", { name: "Record" }).fill("27");
    await page.keyboard.press("Enter");
    await page.getByText("it was aborted, and has no effect").waitFor();
    assertEquals(troubles, []);
  },
);

pageTest(
  "the page shows the state as of any record with its slider, by keyboard alone, and again when it is loaded again",
  async (browser) => {
    await using directory = new TestDirectory();
    await makeCounter(directory.at("state"));
    const program = await programIn(directory);
    await using inspector = await Inspector.start(directory.at("state"), [
      "--apply",
      program,
    ], [program]);
    const { page, troubles } = await browser.open(inspector.url);
    await heading(page, "Record 41").waitFor();
    await page.getByRole("tab", { name: "Log" }).focus();
    await page.keyboard.press("ArrowRight");
    await heading(page, "State as of record 41").waitFor();
    const slider = page.getByRole("slider");
    await slider.focus();
    await page.keyboard.press("Home");
    await heading(page, "State as of record 0").waitFor();
    for (const _ of "abc") await page.keyboard.press("ArrowRight");
    await heading(page, "State as of record 3").waitFor();
    assertEquals(await slider.getAttribute("aria-valuetext"), "record 3 of 41");
    await page.locator("#state li.changed", { hasText: "value: 6" }).waitFor();
    // The address follows at a distance: browsers mind one that changes all the time.
    await page.waitForURL(/\bat=3$/);
    await page.reload();
    await heading(page, "State as of record 3").waitFor();

    await page.getByRole("tab", { name: "Log" }).click();
    await page.getByRole("listbox", { name: "Records" }).focus();
    await page.keyboard.press("ArrowDown");
    await heading(page, "Record 4").waitFor();
    await page.keyboard.press("End");
    await heading(page, "Record 41").waitFor();
    assert(await page.getByRole("checkbox", { name: "follow" }).isChecked());
    assertEquals(troubles, []);
  },
);

pageTest(
  "the page shows what a writer appends as it happens, and leaves alone who looks at something else",
  async (browser) => {
    await using directory = new TestDirectory();
    await using counter = await openCounter(directory.path);
    await counter.apply({ by: 1, note: "first" });
    await using inspector = await Inspector.start(directory.path);
    const { page, troubles } = await browser.open(inspector.url);
    await heading(page, "Record 1").waitFor();
    await page.getByText("watching").waitFor();
    await counter.apply({ by: 2, note: "fresh" });
    await heading(page, "Record 2").waitFor();
    assertStringIncludes(await picked(page).innerText(), "fresh");

    await page.getByRole("option").first().click();
    await heading(page, "Record 1").waitFor();
    await counter.apply({ by: 3, note: "later" });
    await page.getByRole("option", { name: /later/ }).waitFor();
    await page.getByText("of 3", { exact: true }).waitFor();
    assertStringIncludes(await picked(page).innerText(), "first");
    assertEquals(troubles, []);
  },
);

pageTest(
  "the page shows the messages of a queue, why one is dead, how far others are, and how they ended",
  async (browser) => {
    await using directory = new TestDirectory();
    await using queue = await MiniQueue.open<string>(directory.path, {
      maxAttempts: 1,
    });
    await queue.enqueue("<b>doomed</b>");
    await queue.enqueue("waiting");
    await (await queue.receive())?.nack({ reason: "no such user" });
    await using inspector = await Inspector.start(directory.path);
    const { page, troubles } = await browser.open(inspector.url);
    await page.getByRole("tab", { name: "Queue 1 dead" }).click();
    const dead = page.getByRole("row", { name: /doomed/ });
    await dead.waitFor();
    // What a message carries is text, whatever it looks like.
    assertStringIncludes(await dead.innerText(), "<b>doomed</b>");
    assertStringIncludes(await dead.innerText(), "no such user");
    await page.getByRole("row", { name: /waiting/ }).waitFor();
    // One that waits, one that is dead, and none of the three other kinds.
    assertEquals(await page.locator(".depth .good").count(), 2);
    await queue.redrive("all");
    await page.getByRole("tab", { name: "Queue", exact: true }).waitFor();
    await page.getByRole("row", { name: /doomed.*new/ }).waitFor();
    assertEquals(troubles, []);

    const jobs = directory.at("jobs");
    await writeEntries(`${jobs}/journal.jsonl`, jobEntries());
    await using other = await Inspector.start(jobs);
    const { page: of, troubles: more } = await browser.open(other.url);
    await of.getByRole("tab", { name: "Queue", exact: true }).click();
    const row = async (name: RegExp) =>
      (await of.getByRole("row", { name }).innerText()).split(/\s*\t\s*/);
    await of.getByRole("row", { name: /under way/ }).waitFor();
    const chips = of.getByRole("row", { name: /under way/ }).locator(".chip");
    assertEquals(await chips.allInnerTexts(), [
      "trace: 4711",
      "note: <i>",
      'progress: {"percent":40}',
    ]);
    assertEquals(await row(/"done"/), [
      "2",
      '"done"',
      'done: {"bytes":7}',
      "3 d ago",
    ]);
    assertEquals((await row(/cancelled/))[2], "cancelled: not needed");
    assertEquals(await row(/report/), ["report", "2026-01-02 03:00 UTC", "3"]);
    assertEquals(more, []);
  },
);

pageTest(
  "the page shows a damage on every view, and leads to it",
  async (browser) => {
    await using inspector = await Inspector.start(fixture("v1/flipped"));
    const { page, troubles } = await browser.open(inspector.url, {
      scheme: "dark",
    });
    await page.getByRole("button", { name: "Show record 5" }).click();
    await heading(page, "Record 5").waitFor();
    const detail = page.getByRole("complementary", { name: "The record" });
    await detail.getByText("the line fails its checksum").waitFor();
    assertStringIncludes(await picked(page).innerText(), "line 2, offset 100");
    await page.getByRole("tab", { name: "Files" }).click();
    const row = page.getByRole("row", { name: /^journal\.jsonl/ });
    assertStringIncludes(await row.innerText(), "damaged");
    await page.getByText("CORRUPT").waitFor();
    assertEquals(troubles, []);
  },
);

pageTest(
  "the page scrolls through a log that no browser could lay out, and fits a telephone",
  async (browser) => {
    await using directory = new TestDirectory();
    const records = 100_000;
    await fill(directory.at("journal.jsonl"), records);
    await using inspector = await Inspector.start(directory.path);
    const { page, troubles } = await browser.open(inspector.url, {
      width: 400,
      height: 800,
    });
    const last = records.toLocaleString("en");
    await heading(page, `Record ${last}`).waitFor();
    const list = page.getByRole("listbox", { name: "Records" });
    await list.evaluate((box) => box.scrollTop = box.scrollHeight / 2);
    await page.getByRole("option", { name: /^50,0\d\d/ }).first().waitFor();
    assert(await page.getByRole("option").count() < 100);
    // Row by row: a turn of the wheel must not skip what lies between.
    const first = await topRow(page);
    await list.hover();
    await page.mouse.wheel(0, 260);
    // The page lets nobody evaluate text, which waiting for a function does.
    await page.locator(`#rows > :first-child:not(#row-${first})`)
      .waitFor({ state: "attached" });
    assertEquals(await topRow(page), first + 10);
    await list.focus();
    await page.keyboard.press("Home");
    await heading(page, "Record 1").waitFor();
    for (const tab of ["Log", "Files"]) {
      await page.getByRole("tab", { name: tab }).click();
      const width = await page.evaluate("document.documentElement.scrollWidth");
      assertEquals(width, 400, tab);
    }
    const unnamed = await page.locator("button, input, [role]").evaluateAll(
      (elements) =>
        elements.filter((element) =>
          element.matches("button, input") && !element.textContent &&
          !element.getAttribute("aria-label") &&
          !(element as unknown as { labels?: unknown[] }).labels?.length
        ).map((element) => element.outerHTML),
    );
    assertEquals(unnamed, []);
    assertEquals(troubles, []);
  },
);

async function topRow(page: Page): Promise<number> {
  const id = await page.locator("#rows").evaluate((rows) =>
    rows.firstElementChild!.id
  );
  return Number(id.replace("row-", ""));
}

async function fill(path: string, records: number): Promise<void> {
  await using store = await MiniStore.open<number>(path, { durable: false });
  for (let at = 0; at < records; at += 5_000) {
    const some = Array.from({ length: 5_000 }, (_, n) => store.append(at + n));
    await Promise.all(some);
  }
}
