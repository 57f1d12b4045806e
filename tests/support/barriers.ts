// @ts-types="axe-core"
import axe from "axe-core/axe.min.js";
import type { Page } from "playwright-core";

/** The parts of a report of axe that are used. */
interface Report {
  readonly violations: readonly {
    readonly id: string;
    readonly nodes: readonly { readonly html: string }[];
  }[];
}

/** Barriers for those who do not see the page, or see little. */
export async function barriers(page: Page): Promise<string[]> {
  // To load it takes several times what it does.
  if (!await page.evaluate<boolean>("'axe' in globalThis")) {
    await page.evaluate(axe.source);
  }
  const { violations }: Report = await page.evaluate("axe.run(document)");
  return violations.flatMap(({ id, nodes }) =>
    nodes.map(({ html }) => `${id}: ${html}`)
  );
}

/** How far the page is wider than its window. */
export async function overhang(page: Page): Promise<number> {
  return await page.evaluate(
    "document.documentElement.scrollWidth - innerWidth",
  );
}
