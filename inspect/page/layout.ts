/** The views. */
export const LAYOUT: string = `
main { flex: 1; min-height: 0; padding: 8px 20px 16px; }
.view { height: 100%; }
.view.scroll { background: var(--panel); border: 1px solid var(--line); border-radius: 6px; padding: 14px 18px; }
.split { display: grid; grid-template-columns: minmax(0, 3fr) minmax(0, 2fr); gap: 16px; }
.pane {
  display: flex; flex-direction: column; min-height: 0; min-width: 0;
  background: var(--panel); border: 1px solid var(--line); border-radius: 6px; overflow: hidden;
}
.scroll { overflow: auto; }
.pane.scroll, .detail { display: block; padding: 12px 16px; overflow: auto; overflow-wrap: anywhere; }
.pane h2, .view > h2 { margin-bottom: 8px; }
.detail .problem { margin-top: 10px; }
.problem .place { border: 0; margin: 4px 0 0; padding: 0; }
.pane h2 + .faint { margin-bottom: 8px; }
.pane h3 { margin: 16px 0 6px; }
.view > h2:not(:first-child) { margin-top: 20px; }
.view > h3 { margin: 18px 0 6px; }

.search { position: relative; border-bottom: 1px solid var(--line); }
.search input { width: 100%; border: 0; border-radius: 0; background: none; padding: 7px 40px 7px 14px; }
.search input:focus-visible { outline-offset: -2px; }
.hint { position: absolute; right: 12px; top: 8px; font: 11px var(--mono); color: var(--faint); border: 1px solid var(--line); border-radius: 3px; padding: 0 5px; }
.search input:focus + .hint { display: none; }
.found { display: flex; flex-direction: column; max-height: 45%; border-bottom: 1px solid var(--line); background: var(--ground); }
.bar { position: relative; display: flex; align-items: center; }
.found .bar { justify-content: space-between; padding: 5px 8px 5px 14px; color: var(--faint); }
.hits { list-style: none; overflow: auto; }
.hit {
  display: flex; gap: 10px; width: 100%; text-align: left; background: none; border: 0; border-radius: 0;
  padding: 2px 14px; align-items: baseline; min-width: 0;
}
.hit:hover, .hit:focus-visible { background: var(--accent-soft); }

.list { position: relative; flex: 1; overflow-y: auto; overflow-x: hidden; outline-offset: -2px; min-height: 120px; }
.list:focus-visible { outline: 0; }
.list:focus-visible .row.picked { outline: 2px solid var(--accent); outline-offset: -2px; }
.pane:has(.list:focus-visible) { border-color: var(--accent); }
.rows { position: sticky; top: 0; height: 0; z-index: 1; }
.row {
  position: absolute; inset-inline: 0; height: 26px; line-height: 26px; padding: 0 14px;
  display: flex; gap: 10px; align-items: baseline; white-space: nowrap; cursor: default;
  border-left: 2px solid transparent; contain: strict;
}
.row:hover { background: var(--raised); }
.row.picked { background: var(--accent-soft); border-left-color: var(--accent); }
.seq { color: var(--faint); text-align: right; min-width: 7ch; flex: none; }
.row .text, .hit .text { overflow: hidden; text-overflow: ellipsis; flex: 1; min-width: 0; white-space: nowrap; }
.kind {
  font-size: 11px; line-height: 16px; padding: 0 6px; border-radius: 3px; flex: none;
  background: var(--raised); color: var(--faint); align-self: center;
}
.kind.abort, .kind.torn { background: var(--warn-soft); color: var(--warn); }
.kind.damage { background: var(--bad-soft); color: var(--bad); }
.kind.enqueue, .kind.fire { background: var(--accent-soft); color: var(--accent); }
.batch { font-size: 11px; color: var(--faint); flex: none; }
.row.damage { background: var(--bad-soft); color: var(--bad); }
.row.torn { background: var(--warn-soft); color: var(--warn); }
.row.loading .text { color: var(--faint); }
.row.unverified .text { font-style: italic; }
.empty { padding: 12px 16px; }

.place { display: grid; grid-template-columns: max-content 1fr; gap: 0 14px; margin-bottom: 10px; padding-bottom: 10px; border-bottom: 1px solid var(--line); }
.place dt { color: var(--faint); }
.place dd { font-family: var(--mono); font-size: 12px; overflow-wrap: anywhere; }
.effect { border-top: 1px solid var(--line); margin-top: 12px; }
.effect h3 { margin-top: 10px; }
.aborted { color: var(--warn); }

.node > summary { cursor: pointer; list-style: none; display: inline; border-radius: 3px; }
.node > summary::before { content: "▸"; display: inline-block; width: 1.2em; color: var(--faint); font-size: 10px; }
.node[open] > summary::before { content: "▾"; }
.node { display: inline; }
.node ul { list-style: none; margin-left: 7px; padding-left: 14px; border-left: 1px solid var(--line); }
.node li { padding-left: 2px; border-radius: 3px; }
.node li.changed { background: var(--good-soft); box-shadow: inset 2px 0 var(--good); padding-left: 6px; }
.node > summary .count, .preview { color: var(--faint); }
.node[open] > summary > .preview, .node:not([open]) > summary > .count { display: none; }
.key { color: var(--accent); }
.punctuation { color: var(--faint); font-family: var(--mono); font-size: 12px; }
.value.string { color: var(--string); }
.value.number { color: var(--number); text-align: left; }
.value.boolean, .value.null { color: var(--faint); font-weight: 600; }
.changes { list-style: none; display: grid; gap: 8px; }
.changes li { display: grid; gap: 1px; }
.changes .where { color: var(--faint); }
del, ins { font: 12px/1.5 var(--mono); text-decoration: none; padding: 0 8px; border-radius: 3px; overflow-wrap: anywhere; }
del { background: var(--bad-soft); }
ins { background: var(--good-soft); }
del::before { content: "− "; color: var(--bad); }
ins::before { content: "+ "; color: var(--good); }
.mutations { list-style: none; }
.mutations > li { display: flex; gap: 12px; align-items: baseline; padding: 1px 4px; }
.mutations > li.changed { background: var(--good-soft); }

table { border-collapse: collapse; width: 100%; }
th { text-align: left; font-weight: 400; color: var(--faint); font-size: 11px; padding: 2px 16px 2px 0; border-bottom: 1px solid var(--line); }
td { padding: 4px 16px 4px 0; border-bottom: 1px solid var(--line); vertical-align: baseline; }
table { table-layout: fixed; }
td { overflow-wrap: anywhere; }
thead td { padding: 0; }
.files .number { white-space: nowrap; }
td.number, .files thead :nth-child(n+2):nth-child(-n+4), .messages th:first-child, .messages th:last-child { text-align: right; }
.files th:first-child { width: 290px; }
.files thead :nth-child(2) { width: 150px; }
.files thead :nth-child(3), .files thead :nth-child(4) { width: 96px; }
.files th:last-child { width: 180px; }
.messages th:first-child { width: 76px; }
.messages th:nth-child(3) { width: 26%; }
.messages th:last-child { width: 96px; }
td .bar { height: 10px; background: var(--raised); border-radius: 2px; overflow: hidden; }
.bar .good { height: 100%; background: var(--second); min-width: 2px; }
.bar .good.snapshot { background: var(--warn); opacity: 0.75; }
.bar .good.damaged { background: var(--second); }
.bar .rest { height: 100%; background: var(--bad); min-width: 3px; }
tr.torn .bar .rest { background: var(--warn); }
tr.damaged .status { color: var(--bad); }
tr.torn .status { color: var(--warn); }
.status { color: var(--faint); }
.link { background: none; border: 0; padding: 0; color: var(--accent); text-decoration: underline; text-decoration-color: color-mix(in srgb, currentColor 35%, transparent); text-underline-offset: 2px; }
.names { list-style: none; }

.depth { display: grid; gap: 3px; max-width: 640px; margin-bottom: 8px; }
.depth > div { display: grid; grid-template-columns: 80px 1fr; align-items: center; }
.depth dt { color: var(--faint); }
.depth dd { display: grid; grid-template-columns: 8ch 1fr; gap: 12px; align-items: center; }
.depth .number { text-align: right; font-weight: 500; }
.depth .bar { height: 8px; background: none; }
.depth .good { border-radius: 2px; background: var(--accent); }
.depth .good.dead { background: var(--bad); }
.depth .good.delayed, .depth .good.blocked { background: var(--second); }
.depth .good.inFlight { background: var(--good); }
.chip { display: inline-block; margin-left: 8px; padding: 0 6px; border-radius: 3px; font-size: 11px; background: var(--raised); color: var(--faint); }
tr.dead td:nth-child(3) { color: var(--bad); white-space: normal; }

@media (max-width: 760px) {
  body { height: auto; min-height: 100%; }
  .top, .facts, .trouble, .ruler, .tabs, main { padding-inline: 12px; }
  .title { flex-direction: column; gap: 0; min-width: 0; }
  h1 { max-width: 62vw; }
  .facts { gap: 0 16px; }
  .goto { flex-wrap: wrap; row-gap: 6px; }
  .goto #at { width: 10ch; }
  .split { grid-template-columns: minmax(0, 1fr); height: auto; }
  .list { height: 46vh; flex: none; }
  .hint { display: none; }
  .view { height: auto; }
  .tabs button { padding-inline: 9px; }
  .found { max-height: 38vh; }
  .hit .kind { display: none; }
  .files { table-layout: auto; }
  .files tr > :nth-child(3), .files thead :nth-child(5), .files .wide { display: none; }
  .files tr > * { width: auto !important; padding-right: 10px; }
  .messages tr > :nth-child(3) { width: 28%; }
  .messages tr > :first-child { width: 52px; }
  .messages tr > :last-child { width: 64px; }
  .view.scroll { padding: 12px; }
}
@media (prefers-reduced-motion: no-preference) {
  .needle { transition: left 90ms ease-out; }
  .live.busy .dot { transition: box-shadow 200ms; }
}
`;
