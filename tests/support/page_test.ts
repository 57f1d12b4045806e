import { findBrowser, TestBrowser } from "./browser.ts";
import { skipped } from "./system.ts";

const found = await findBrowser();
if ("why" in found) skipped("the page of the inspector", found.why);

let browser: TestBrowser | undefined;
Deno.test.afterAll(() => browser?.[Symbol.asyncDispose]());

/** A test with a browser, where there is one; each has a context of its own in it. */
export function pageTest(
  name: string,
  run: (browser: TestBrowser) => Promise<void>,
): void {
  if ("why" in found) return;
  const { path } = found;
  Deno.test({
    name,
    // The browser stays for the next test.
    sanitizeResources: false,
    sanitizeOps: false,
    fn: async () => {
      browser ??= await TestBrowser.start(path);
      await run(browser);
      await browser.forget();
    },
  });
}
