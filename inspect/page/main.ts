/** The page of the inspector: puts its parts together. `deno task page` builds it. */
import { Actions } from "./actions.ts";
import { App } from "./app.ts";
import { Live } from "./live.ts";
import { placeOf } from "./parts/place.ts";
import { startRuler } from "./ruler.ts";
import { startTabs } from "./tabs.ts";
import { drawTrouble } from "./trouble.ts";
import { Detail } from "./views/detail.ts";
import { drawFacts } from "./views/facts.ts";
import { drawFiles } from "./views/files.ts";
import { RecordList } from "./views/list.ts";
import { QueueTab } from "./views/queue.ts";
import { Search } from "./views/search.ts";
import { StateTab } from "./views/state.ts";

const app = new App();
startTabs(app);
startRuler(app);
new RecordList(app);
new Search(app);
const actions = new Actions(app);
const detail = new Detail(app);
const state = new StateTab(app);
const queue = new QueueTab(app, actions);
app.onChange((change) => {
  if (change === "following") return;
  if (change === "info") {
    drawFacts(app);
    drawTrouble(app);
  }
  // Of a record that is past, only what is counted now can be other.
  const isPast = change === "info" && !app.isFollowing && app.tab !== "files";
  if (!isPast) {
    detail.draw();
    state.draw();
    drawFiles(app, actions);
  }
  queue.draw();
});
addEventListener("hashchange", () => app.open(placeOf(location.hash)));
new Live(app, actions).start();
