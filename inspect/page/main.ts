/** The page of the inspector: puts its parts together. `deno task page` builds it. */
import { App } from "./app.ts";
import { Live } from "./live.ts";
import { startRuler } from "./ruler.ts";
import { startTabs } from "./tabs.ts";
import { drawTrouble } from "./trouble.ts";
import { Detail } from "./views/detail.ts";
import { drawFacts, drawFiles } from "./views/files.ts";
import { RecordList } from "./views/list.ts";
import { QueueTab } from "./views/queue.ts";
import { Search } from "./views/search.ts";
import { StateTab } from "./views/state.ts";

const app = new App();
startTabs(app);
startRuler(app);
new RecordList(app);
new Search(app);
const detail = new Detail(app);
const state = new StateTab(app);
const queue = new QueueTab(app);
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
    drawFiles(app);
  }
  queue.draw();
});
new Live(app).start();
