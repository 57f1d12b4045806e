import { type Browser, chromium, type Page } from "playwright-core";

const NAMES = ["chromium", "chromium-browser", "google-chrome"];

/** It is to talk to nobody but the page's server. */
const FLAGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

/** A machine may have much else to do. */
const PATIENCE_MS = 120_000;

/** How a page is looked at. */
export interface Look {
  readonly width?: number;
  readonly height?: number;
  readonly scheme?: "light" | "dark";
  /** Headers of every request. */
  readonly headers?: Record<string, string>;
}

/** A page that is open, and what has gone wrong on it. */
export interface OpenPage {
  readonly page: Page;
  /** The complaints of the page, and its requests to other servers. */
  readonly troubles: readonly string[];
}

/** A Chromium without a window. */
export class TestBrowser implements AsyncDisposable {
  readonly #browser: Browser;

  private constructor(browser: Browser) {
    this.#browser = browser;
  }

  /** Starts the one that is installed. */
  static async start(executablePath: string): Promise<TestBrowser> {
    const launched = chromium.launch({ executablePath, args: FLAGS });
    return new TestBrowser(await launched);
  }

  /** Opens a page as a person does. */
  async open(
    url: URL,
    { width = 1280, height = 800, scheme = "light", headers = {} }: Look = {},
  ): Promise<OpenPage> {
    const page = await this.#browser.newPage({
      viewport: { width, height },
      colorScheme: scheme,
      extraHTTPHeaders: headers,
    });
    page.setDefaultTimeout(PATIENCE_MS);
    const troubles: string[] = [];
    page.on("console", (message) => troubles.push(message.text()));
    page.on("pageerror", (error) => troubles.push(String(error)));
    page.on("request", (request) => {
      const asked = new URL(request.url());
      if (asked.protocol === "data:" || asked.origin === url.origin) return;
      troubles.push(`asked ${asked}`);
    });
    await page.goto(url.href);
    return { page, troubles };
  }

  /** Closes every page, and forgets what it has stored. */
  async forget(): Promise<void> {
    await Promise.all(this.#browser.contexts().map((one) => one.close()));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#browser.close();
  }
}

/** Where a Chromium is installed, or why there is none. */
export async function findBrowser(): Promise<
  { readonly path: string } | { readonly why: string }
> {
  const delimiter = Deno.build.os === "windows" ? ";" : ":";
  for (const folder of (Deno.env.get("PATH") ?? "").split(delimiter)) {
    for (const name of NAMES) {
      const path = `${folder}/${name}`;
      const info = await Deno.stat(path).catch(() => undefined);
      if (info?.isFile) return { path };
    }
  }
  return { why: `none of ${NAMES.join(", ")} is installed` };
}
