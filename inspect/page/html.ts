/** The icon beside the title: three segments, and a mark. */
export const ICON: string = "data:image/svg+xml," + encodeURIComponent(
  '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16">' +
    '<rect x="1" y="3" width="6" height="7" fill="#3c7a89"/>' +
    '<rect x="8" y="3" width="4" height="7" fill="#7fb2bd"/>' +
    '<rect x="13" y="3" width="2" height="7" fill="#3c7a89"/>' +
    '<path d="M8 15l2.5-4h-5z" fill="#b4762a" transform="translate(1 0)"/></svg>',
);

/** The page without its style and its script. */
export const BODY: string = `
<header class="top">
  <div class="title">
    <span class="brand">mini inspect</span>
    <h1 id="path"></h1>
  </div>
  <p id="live" class="live" role="status"><span class="dot" aria-hidden="true"></span><span id="live-text">connecting</span></p>
</header>
<dl id="facts" class="facts"></dl>
<section id="trouble" class="trouble" aria-label="What is wrong" hidden></section>
<section class="ruler" aria-label="The whole log">
  <div class="goto">
    <label for="at">Record</label>
    <input id="at" type="text" inputmode="numeric" autocomplete="off" spellcheck="false" size="10">
    <span id="of" class="faint"></span>
    <button id="previous" type="button" aria-label="Previous record" title="Previous record">&#8592;</button>
    <button id="next" type="button" aria-label="Next record" title="Next record">&#8594;</button>
    <label class="check"><input id="follow" type="checkbox" checked> follow</label>
  </div>
  <div id="strip" class="strip">
    <div id="segments" class="segments" aria-hidden="true"></div>
    <div id="marks" class="marks" aria-hidden="true"></div>
    <div id="window" class="window" aria-hidden="true"></div>
    <div id="needle" class="needle" aria-hidden="true"></div>
    <input id="slider" type="range" min="0" max="0" step="1" aria-label="Record of the log">
  </div>
  <div id="scale" class="scale" aria-hidden="true"></div>
</section>
<nav class="tabs" role="tablist" aria-label="Views">
  <button role="tab" type="button" id="tab-log" aria-controls="view-log" data-tab="log">Log</button>
  <button role="tab" type="button" id="tab-state" aria-controls="view-state" data-tab="state">State</button>
  <button role="tab" type="button" id="tab-files" aria-controls="view-files" data-tab="files">Files</button>
  <button role="tab" type="button" id="tab-queue" aria-controls="view-queue" data-tab="queue" hidden>Queue <span id="dead-count" class="badge" hidden></span></button>
</nav>
<main>
  <section id="view-log" class="view split" role="tabpanel" aria-labelledby="tab-log">
    <div class="pane">
      <form id="search" class="search" role="search">
        <label class="hidden" for="query">Search records, or go to a number</label>
        <input id="query" type="search" placeholder="Search records, or go to a number" autocomplete="off" spellcheck="false">
        <kbd class="hint" aria-hidden="true">/</kbd>
      </form>
      <section id="found" class="found" aria-label="Search results" hidden>
        <div class="bar"><p id="found-text" role="status"></p><button id="found-close" type="button">Close</button></div>
        <ol id="hits" class="hits"></ol>
      </section>
      <div id="list" class="list" role="listbox" tabindex="0" aria-label="Records">
        <div id="rows" class="rows" role="presentation"></div>
        <div id="spacer" role="presentation"></div>
      </div>
    </div>
    <aside id="detail" class="pane detail" aria-label="The record" aria-live="off"></aside>
  </section>
  <section id="view-state" class="view split" role="tabpanel" aria-labelledby="tab-state" hidden>
    <div id="state" class="pane scroll"></div>
    <aside id="changes" class="pane scroll" aria-label="What the record changed"></aside>
  </section>
  <section id="view-files" class="view scroll" role="tabpanel" aria-labelledby="tab-files" hidden></section>
  <section id="view-queue" class="view scroll" role="tabpanel" aria-labelledby="tab-queue" hidden></section>
</main>
`;
