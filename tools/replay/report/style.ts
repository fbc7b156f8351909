/** Style of the report: light and dark by the reader's setting, no font and no image from elsewhere. */
export const STYLE = `
:root { color-scheme: light dark; --ground: #fbfbfa; --card: #fff; --ink: #1c1f24; --soft: #626a75; --line: #dfe2e6;
  --LOW: #6b7f99; --MEDIUM: #b7791f; --HIGH: #c2410c; --CRITICAL: #b91c1c; --good: #15803d; --a: #2563eb; --b: #c2410c; --c: #64748b; }
@media (prefers-color-scheme: dark) { :root { --ground: #14171b; --card: #1c2026; --ink: #e6e8eb; --soft: #9aa3ae; --line: #333a43;
  --LOW: #94a7c0; --MEDIUM: #e0a84a; --HIGH: #f0824d; --CRITICAL: #f26d6d; --good: #4ade80; --a: #6ea8fe; --b: #f0824d; --c: #94a3b8; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--ground); color: var(--ink); font: 15px/1.5 system-ui, sans-serif; }
main { max-width: 1600px; margin: 0 auto; padding: 28px 20px 60px; }
h1 { font-size: 26px; margin: 0 0 4px; } h2 { font-size: 18px; margin: 34px 0 10px; } p.soft, .soft { color: var(--soft); }
.cards { display: grid; grid-template-columns: repeat(auto-fit, minmax(150px, 1fr)); gap: 10px; margin: 18px 0; }
.card { background: var(--card); border: 1px solid var(--line); border-radius: 8px; padding: 10px 14px; }
.card b { display: block; font-size: 22px; font-variant-numeric: tabular-nums; } .card span { color: var(--soft); font-size: 13px; }
.scroll { overflow-x: auto; background: var(--card); border: 1px solid var(--line); border-radius: 8px; }
table { border-collapse: collapse; width: 100%; font-size: 14px; }
th, td { text-align: left; padding: 7px 10px; border-bottom: 1px solid var(--line); vertical-align: top; }
th { color: var(--soft); font-weight: 600; vertical-align: bottom; } td.n, th.n { text-align: right; font-variant-numeric: tabular-nums; }
tr:last-child > td { border-bottom: 0; } tr.head > td { border-bottom: 0; padding-bottom: 2px; }
tr.why > td { padding-top: 0; padding-bottom: 12px; overflow-wrap: anywhere; }
.severity { font-weight: 700; font-size: 12px; letter-spacing: .03em; }
${['LOW', 'MEDIUM', 'HIGH', 'CRITICAL'].map((name) => `.${name} { color: var(--${name}); }`).join(' ')}
.true { color: var(--good); } .false { color: var(--CRITICAL); }
ul { margin: 4px 0 0; padding-left: 18px; } details summary { cursor: pointer; color: var(--soft); }
.chart { background: var(--card); border: 1px solid var(--line); border-radius: 8px; padding: 10px; margin-bottom: 14px; overflow: hidden; }
.chart h3 { margin: 0 0 6px; font-size: 14px; font-weight: 600; overflow-wrap: anywhere; }
.grid { display: grid; grid-template-columns: repeat(auto-fit, minmax(440px, 1fr)); gap: 14px; }
@media (max-width: 520px) { .grid { grid-template-columns: 1fr; } }
footer { margin-top: 40px; font-size: 13px; } footer a { color: inherit; }
.u-legend { font-size: 12px; color: var(--soft); }
`;
