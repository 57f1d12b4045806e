/** Colours, type, and what is on every view. */
export const STYLE: string = `
:root {
  --ground: #f6f6f3; --panel: #fdfdfc; --raised: #eeefec; --ink: #1b2226; --faint: #5f6b72;
  --line: #dcdfdb; --accent: #24697a; --accent-soft: #dcebee; --second: #8db9c3;
  --warn: #95590b; --warn-soft: #f7ead2; --bad: #b0302a; --bad-soft: #f9e3e0;
  --good: #2f6f47; --good-soft: #dff0e4; --string: #2f6f47; --number: #8a4b08;
  --sans: system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif;
  --mono: ui-monospace, "SF Mono", "Cascadia Mono", "JetBrains Mono", "DejaVu Sans Mono", Menlo, Consolas, monospace;
}
@media (prefers-color-scheme: dark) {
  :root {
    --ground: #12171a; --panel: #171d20; --raised: #20282c; --ink: #dbe2e4; --faint: #8d9aa0;
    --line: #2a3338; --accent: #79bdcb; --accent-soft: #1d3a42; --second: #3d6d79;
    --warn: #e0ab55; --warn-soft: #362a15; --bad: #f0847b; --bad-soft: #3b1e1c;
    --good: #86c79b; --good-soft: #1b3325; --string: #9fd0ab; --number: #e3b477;
  }
}
* { box-sizing: border-box; }
html { height: 100%; }
body {
  margin: 0; height: 100%; display: flex; flex-direction: column;
  background: var(--ground); color: var(--ink);
  font: 13px/1.5 var(--sans); font-variant-numeric: tabular-nums;
  -webkit-text-size-adjust: 100%;
}
h1, h2, h3, p, dl, dd, ol, ul { margin: 0; padding: 0; }
h2 { font-size: 13px; font-weight: 600; }
h3 { font-size: 12px; font-weight: 600; color: var(--faint); }
code, .text, .seq, .node, .leaf, .value, .key { font-family: var(--mono); font-size: 12px; }
.faint { color: var(--faint); }
.hidden { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
[hidden] { display: none !important; }
button, input { font: inherit; color: inherit; }
button {
  background: var(--panel); border: 1px solid var(--line); border-radius: 4px;
  padding: 1px 9px; cursor: pointer;
}
button:hover { border-color: var(--faint); }
input[type="text"], input[type="search"] {
  background: var(--panel); border: 1px solid var(--line); border-radius: 4px; padding: 2px 8px;
}
:focus-visible { outline: 2px solid var(--accent); outline-offset: 1px; }
input[type="checkbox"] { accent-color: var(--accent); margin: 0 4px 0 0; vertical-align: -1px; }
mark { background: var(--warn-soft); color: inherit; box-shadow: inset 0 -1px var(--warn); }

.top { display: flex; align-items: baseline; gap: 16px; justify-content: space-between; padding: 11px 20px 0; }
.title { display: flex; align-items: baseline; gap: 12px; min-width: 0; }
.brand { font-weight: 600; letter-spacing: 0.01em; white-space: nowrap; color: var(--accent); }
h1 {
  font: 500 13px/1.5 var(--mono); overflow: hidden; text-overflow: ellipsis; white-space: nowrap;
  direction: rtl; text-align: left; unicode-bidi: plaintext;
}
.live { display: flex; align-items: center; gap: 7px; white-space: nowrap; color: var(--faint); font-size: 12px; }
.dot { width: 7px; height: 7px; border-radius: 50%; background: var(--faint); }
.live.on .dot { background: var(--accent); }
.live.busy .dot { background: var(--good); box-shadow: 0 0 0 3px var(--good-soft); }
.live.off .dot { background: var(--bad); }
.facts { display: flex; flex-wrap: wrap; gap: 2px 24px; padding: 5px 20px 11px; }
.facts div { display: flex; gap: 6px; }
.facts dt { color: var(--faint); }
.facts dd { font-weight: 500; }
.facts .torn dd { color: var(--warn); }
.facts .damaged dd { color: var(--bad); }
.trouble { padding: 0 20px 11px; display: grid; gap: 6px; max-height: 30vh; overflow: auto; }
.problem {
  background: var(--bad-soft); border-left: 3px solid var(--bad); border-radius: 0 4px 4px 0;
  padding: 6px 12px; overflow-wrap: anywhere;
}
.problem strong { color: var(--bad); }
.problem.mild { background: var(--warn-soft); border-color: var(--warn); }
.problem.mild strong { color: var(--warn); }
.problem button { margin-left: 10px; padding-block: 0; }

.ruler { padding: 10px 20px 0; background: var(--panel); border-block: 1px solid var(--line); }
.goto { display: flex; align-items: center; gap: 8px; margin-bottom: 9px; }
.goto label { color: var(--faint); }
.goto #at { font-family: var(--mono); font-size: 12px; width: 12ch; text-align: right; }
.goto button { padding: 1px 8px; }
.goto .check { margin-left: auto; color: inherit; cursor: pointer; }
.strip { position: relative; height: 34px; }
.segments { position: absolute; inset: 9px 0 9px; border-radius: 2px; overflow: hidden; background: var(--raised); }
.segment { position: absolute; inset-block: 0; background: var(--second); box-shadow: inset 1px 0 var(--panel); }
.segment:nth-child(even) { background: color-mix(in srgb, var(--second) 62%, var(--panel)); }
.segment.damaged { background: repeating-linear-gradient(135deg, var(--bad) 0 3px, var(--bad-soft) 3px 7px); }
.segment.torn { border-right: 3px solid var(--warn); }
.segment.unread { opacity: 0.6; }
.mark { position: absolute; transform: translateX(-50%); pointer-events: none; }
.mark.snapshot { bottom: 0; border: 5px solid transparent; border-top-width: 0; border-bottom: 8px solid var(--warn); }
.mark.snapshot.damaged { border-bottom-color: var(--bad); opacity: 0.7; }
.mark.damage { top: 0; width: 9px; height: 9px; transform: translateX(-50%) rotate(45deg); background: var(--bad); border: 1px solid var(--panel); }
.window { position: absolute; inset-block: 6px; border: 1px solid var(--faint); border-radius: 2px; opacity: 0.55; min-width: 3px; pointer-events: none; }
.needle { position: absolute; inset-block: 0; width: 2px; margin-left: -1px; background: var(--accent); pointer-events: none; }
.needle::before { content: ""; position: absolute; top: 0; left: -3px; border: 4px solid transparent; border-top: 6px solid var(--accent); border-bottom: 0; }
.strip input { position: absolute; inset: 0; width: 100%; height: 100%; margin: 0; opacity: 0; cursor: ew-resize; }
.strip input::-webkit-slider-thumb { width: 1px; }
.strip input::-moz-range-thumb { width: 1px; border: 0; }
.strip:focus-within { outline: 2px solid var(--accent); outline-offset: 2px; border-radius: 2px; }
.strip:has(input:focus:not(:focus-visible)) { outline: 0; }
.scale { position: relative; height: 20px; font-size: 11px; color: var(--faint); }
.tick { position: absolute; top: 2px; transform: translateX(-50%); }
.tick.end { transform: translateX(-100%); }
.tick.begin { transform: none; }

.tabs { display: flex; gap: 2px; padding: 8px 20px 0; }
.tabs button {
  background: none; border: 0; border-bottom: 2px solid transparent; border-radius: 0;
  padding: 3px 12px 5px; color: var(--faint); font-weight: 500;
}
.tabs button:hover { color: var(--ink); }
.tabs [aria-selected="true"] { color: var(--ink); border-color: var(--accent); }
.badge { background: var(--bad-soft); color: var(--bad); border-radius: 9px; padding: 0 7px; font-size: 11px; }
`;
