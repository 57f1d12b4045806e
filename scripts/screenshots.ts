/** Takes the pictures in docs/images/ of a folder made for it: `deno task screenshots` */
import { fromFileUrl, join } from "@std/path";
import {
  findBrowser,
  type Look,
  type OpenPage,
  TestBrowser,
} from "../tests/support/browser.ts";
import { Inspector } from "../tests/support/inspect.ts";
import { openBusy } from "./screenshots/busy.ts";
import { makeMails, makeShop } from "./screenshots/demo.ts";

const IMAGES = fromFileUrl(new URL("../docs/images/", import.meta.url));
const PROGRAM = fromFileUrl(new URL("screenshots/shop.ts", import.meta.url));

/** More is too much for a repository. */
const MAX_BYTES = 200_000;

/** A picture: of what, how, and what is done before it is taken. */
interface Picture extends Look {
  readonly name: string;
  readonly of: "shop" | "mails" | "busy";
  readonly at: string;
  prepare?(page: OpenPage["page"]): Promise<void>;
}

const PICTURES: readonly Picture[] = [
  {
    name: "inspect-log",
    of: "shop",
    at: "view=log&at=1204",
    async prepare(page) {
      await page.getByRole("searchbox").fill("ada");
      await page.keyboard.press("Enter");
      await page.getByText(/records found$/).waitFor();
      await page.locator(".hit").nth(81).click();
      await page.getByText("$.customers.ada.orders").waitFor();
    },
  },
  {
    name: "inspect-state",
    of: "shop",
    at: "view=state&at=1204",
    scheme: "dark",
  },
  { name: "inspect-files", of: "shop", at: "view=files" },
  { name: "inspect-queue", of: "mails", at: "view=queue", scheme: "dark" },
  {
    name: "inspect-live",
    of: "busy",
    at: "view=queue",
    height: 960,
    async prepare(page) {
      await page.getByText(/its handler runs for \d\d s/).first().waitFor();
    },
  },
];

const found = await findBrowser();
if ("why" in found) throw new Error(`No picture can be taken: ${found.why}`);
const dir = await Deno.makeTempDir({ prefix: "demo-" });
await Deno.mkdir(IMAGES, { recursive: true });
try {
  await makeShop(join(dir, "shop"));
  await using _mails = await makeMails(join(dir, "mails"));
  await using shop = await Inspector.start(join(dir, "shop"), [
    "--apply",
    PROGRAM,
  ], [PROGRAM]);
  await using mails = await Inspector.start(join(dir, "mails"));
  await using busy = await openBusy(join(dir, "busy"));
  await using browser = await TestBrowser.start(found.path);
  for (const picture of PICTURES) {
    const { url } = { shop, mails, busy }[picture.of];
    if (picture.of === "busy") void busy.run();
    await take(browser, new URL(`#${picture.at}`, url), picture);
  }
} finally {
  await Deno.remove(dir, { recursive: true });
}

async function take(
  browser: TestBrowser,
  url: URL,
  { name, prepare, ...look }: Picture,
): Promise<void> {
  const { page } = await browser.open(url, { height: 760, ...look });
  await page.getByText("100 %").waitFor();
  await page.getByText("watching").waitFor();
  await prepare?.(page);
  await page.waitForLoadState("networkidle", { timeout: 1_000 }).catch(
    () => {},
  );
  const path = join(IMAGES, `${name}.png`);
  await page.screenshot({ path });
  const { size } = await Deno.stat(path);
  // deno-lint-ignore no-console -- it is a command
  console.log(`${path}: ${Math.ceil(size / 1000)} kB`);
  if (size > MAX_BYTES) throw new Error(`${path}: ${size} bytes are too much`);
}
