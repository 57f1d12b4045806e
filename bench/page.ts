/** The page of `mini inspect` over a large log, in a Chromium. */
import { MiniStore } from "@mini/state/store";
import {
  findBrowser,
  type OpenPage,
  TestBrowser,
} from "../tests/support/browser.ts";
import { Inspector } from "../tests/support/inspect.ts";
import { records } from "./record.ts";
import type { Result, Task } from "./task.ts";

/** How often the wheel is turned, and the scroll bar dragged. */
const TURNS = 40;
const DRAGS = [0.5, 0.1, 0.9, 0.3];

/** Measures frames from where it is called, in the page. */
const WATCH_FRAMES = `
  globalThis.gaps = [];
  let last = performance.now();
  requestAnimationFrame(function frame(now) {
    gaps.push(now - last);
    last = now;
    requestAnimationFrame(frame);
  })`;

/** Opens the page of a log, and scrolls: how long until its last record is there in full, and the longest time between two frames. */
export async function page({ dir, count }: Task): Promise<Result> {
  await fill(`${dir}/journal.jsonl`, count);
  await using browser = await startBrowser();
  // A browser that has just been started has much else to do.
  await (await browser.open(new URL("data:text/html,"))).page.close();
  await using inspector = await Inspector.start(dir);
  const began = performance.now();
  const { page } = await browser.open(inspector.url);
  await page.locator(".detail .place").waitFor();
  const ms = performance.now() - began;
  const stallMs = await scroll(page);
  return { rate: 1_000 / ms, ms, stallMs };
}

/** The floor: opens a page with nothing in it. */
export async function emptyPage(): Promise<Result> {
  await using browser = await startBrowser();
  await (await browser.open(new URL("data:text/html,"))).page.close();
  const began = performance.now();
  await browser.open(new URL("data:text/html,"));
  const ms = performance.now() - began;
  return { rate: 1_000 / ms, ms };
}

async function startBrowser(): Promise<TestBrowser> {
  const found = await findBrowser();
  if ("why" in found) throw new Error(found.why);
  return await TestBrowser.start(found.path);
}

async function fill(path: string, count: number): Promise<void> {
  await using store = await MiniStore.open<unknown>(path, { durable: false });
  for (let at = 0; at < count; at += 5_000) {
    const some = records(at, Math.min(5_000, count - at));
    await Promise.all(some.map((record) => store.append(record)));
  }
}

/** Turns the wheel, and drags the scroll bar to other ends of the log. */
async function scroll(page: OpenPage["page"]): Promise<number> {
  const list = page.locator("#list");
  await list.hover();
  await page.evaluate(WATCH_FRAMES);
  for (let turn = 0; turn < TURNS; turn++) await page.mouse.wheel(0, -400);
  for (const share of DRAGS) {
    await list.evaluate((box, share) => {
      box.scrollTop = box.scrollHeight * share;
    }, share);
    await page.locator("#rows .row:not(.loading)").first().waitFor();
  }
  return await page.evaluate("Math.max(...gaps)");
}
