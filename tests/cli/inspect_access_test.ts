import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { Random, randomSeed } from "@mini/state/testing";
import { barriers, overhang } from "../support/barriers.ts";
import { TestDirectory } from "../support/dir.ts";
import { Inspector, makeCounter, programIn } from "../support/inspect.ts";
import { jobEntries, writeEntries } from "../support/jobs.ts";
import { fixture } from "../support/mini.ts";
import { pageTest } from "../support/page_test.ts";
import { say } from "../support/report.ts";
import { size } from "../support/size.ts";

/** A telephone of the narrow kind. */
const NARROW = { width: 360, height: 740 };

pageTest(
  "the page has no barrier that axe finds, in light and dark, and fits the narrowest telephone",
  async (browser) => {
    await using directory = new TestDirectory();
    await makeCounter(directory.at("state"));
    const program = await programIn(directory);
    await using state = await Inspector.start(directory.at("state"), [
      "--apply",
      program,
    ], [program]);
    await writeEntries(directory.at("jobs/journal.jsonl"), jobEntries());
    await using jobs = await Inspector.start(directory.at("jobs"));
    await using damaged = await Inspector.start(fixture("v1/flipped"));
    const views: [url: URL, ...[tab: string, heading: string | RegExp][]][] = [
      [
        state.url,
        ["Log", "Record 41"],
        ["State", "State as of record 41"],
        ["Files", "Snapshots"],
      ],
      [jobs.url, ["Queue", "Messages now"]],
      [damaged.url, ["Log", /^Record/]],
    ];
    const seed = randomSeed();
    const random = new Random(seed);
    say(`seed ${seed}`);
    for (const [url, ...tabs] of views) {
      const { page, troubles } = await browser.open(url);
      // On a change axe looks at each view in one of them.
      const looked = size([random.below(2)], [0, 1]);
      for (const [at, scheme] of (["light", "dark"] as const).entries()) {
        await page.emulateMedia({ colorScheme: scheme });
        if (scheme === "dark") await page.setViewportSize(NARROW);
        for (const [tab, heading] of tabs) {
          await page.getByRole("tab", { name: tab }).click();
          await page.getByRole("heading", { name: heading }).first().waitFor();
          await page.getByText("watching").waitFor();
          const where = `${tab}, ${scheme}`;
          if (looked.includes(at)) {
            assertEquals(await barriers(page), [], where);
          }
          if (scheme === "dark") assertEquals(await overhang(page), 0, where);
        }
      }
      assertEquals(troubles, []);
      await page.close();
    }
  },
);

pageTest(
  "a link to a record, a state or a message is copied, and leads there",
  async (browser) => {
    await using directory = new TestDirectory();
    await makeCounter(directory.at("state"));
    await using state = await Inspector.start(directory.at("state"));
    const { page, troubles } = await browser.open(state.url);
    await page.getByRole("heading", { name: "Record 41" }).waitFor();
    await page.context().grantPermissions([
      "clipboard-read",
      "clipboard-write",
    ]);
    const detail = page.getByRole("complementary", { name: "The record" });
    await page.getByRole("button", { name: "Previous record" }).click();
    await page.getByRole("heading", { name: "Record 40" }).waitFor();
    await detail.getByRole("button", { name: "Copy link" }).click();
    await detail.getByRole("button", { name: "Copied" }).waitFor();
    const copied: string = await page.evaluate(
      "navigator.clipboard.readText()",
    );
    assertEquals(copied, new URL("#view=log&at=40", state.url).href);
    // Within the page a link leads as well, and so does the way back.
    await page.getByRole("tab", { name: "Files" }).click();
    await page.getByRole("link", { name: "record 20" }).click();
    await page.getByRole("heading", { name: "Snapshot at record 20" })
      .waitFor();
    const { page: other, troubles: more } = await browser.open(
      new URL(copied),
    );
    await other.getByRole("heading", { name: "Record 40" }).waitFor();
    assert(!await other.getByRole("checkbox", { name: "follow" }).isChecked());
    assertEquals([...troubles, ...more], []);

    await writeEntries(directory.at("jobs/journal.jsonl"), jobEntries());
    await using jobs = await Inspector.start(directory.at("jobs"));
    const link = new URL("#view=queue&job=2", jobs.url);
    const { page: queue } = await browser.open(link);
    const row = queue.locator("tr[aria-current=true]");
    assertStringIncludes(await row.innerText(), '"done"');
    await row.getByRole("link", { name: "2", exact: true }).waitFor();
    await queue.goto(new URL("#view=queue&job=4711", jobs.url).href);
    await queue.getByText("Message 4,711 is not among those shown").waitFor();
  },
);
