/** The tabs of the views. */
import type { App } from "./app.ts";
import { byId } from "./parts/dom.ts";
import { type Tab, TABS } from "./parts/place.ts";

const tabOf = (tab: Tab) => byId(`tab-${tab}`);

function drawTabs(app: App): void {
  for (const tab of TABS) {
    const isShown = tab === app.tab;
    tabOf(tab).setAttribute("aria-selected", `${isShown}`);
    tabOf(tab).tabIndex = isShown ? 0 : -1;
    tabOf(tab).hidden = !app.has(tab);
    byId(`view-${tab}`).hidden = !isShown;
  }
}

/** Starts the tabs: by mouse, and by the arrow keys. */
export function startTabs(app: App): void {
  for (const tab of TABS) {
    tabOf(tab).addEventListener("click", () => app.showTab(tab));
    tabOf(tab).addEventListener("keydown", ({ key }) => {
      const step = key === "ArrowLeft" ? -1 : key === "ArrowRight" ? 1 : 0;
      if (step === 0) return;
      const there = TABS.filter((name) => app.has(name));
      const next = there.at((there.indexOf(tab) + step) % there.length)!;
      tabOf(next).focus();
      app.showTab(next);
    });
  }
  app.onChange(() => drawTabs(app));
  drawTabs(app);
}
