/** Links to places in the page. */
import { button, el } from "../parts/dom.ts";
import { hashOf, type Place } from "../parts/place.ts";
import { Delay } from "../parts/timer.ts";

/** So long a button says that it has done its work. */
const SAID_MS = 2_000;

/** A link that leads to a place, and that can be copied as any other. */
export function linkTo(place: Place, text: string): HTMLElement {
  return el("a", { href: hashOf(place) }, text);
}

/** A title, and a button that copies the address of what stands below. */
export function head(title: string, place: Place): HTMLElement {
  const hash = hashOf(place);
  const copy = button({ class: "copy", "data-hash": hash }, () => {
    const { href } = new URL(hash, location.href);
    navigator.clipboard.writeText(href).then(
      () => say("Copied"),
      () => say("The browser does not allow it"),
    );
  }, "Copy link");
  const said = new Delay(SAID_MS, () => copy.textContent = "Copy link");
  const say = (text: string) => {
    copy.textContent = text;
    said.start();
  };
  return el("div", { class: "head" }, el("h2", {}, title), copy);
}
