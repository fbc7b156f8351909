/** Style of the report: light and dark by the reader's setting, no font and no image from elsewhere, readable on paper. */
const SEVERITIES = ['LOW', 'MEDIUM', 'HIGH', 'CRITICAL'];

/** Contrast of text on its ground is at least 4.5 : 1 in both themes (WCAG 2.2, 1.4.3); a test computes it. */
export const LIGHT: Readonly<Record<string, string>> = {
  ground: '#fbfbfa', card: '#ffffff', ink: '#1c1f24', soft: '#565e69', line: '#d9dde2', land: '#dfe4e0', sea: '#f3f6f8', focus: '#1d4ed8',
  LOW: '#53657d', MEDIUM: '#8a5a10', HIGH: '#b23a08', CRITICAL: '#b01818', good: '#126b32', bad: '#b01818', a: '#1d4ed8', b: '#b23a08', c: '#64707f',
  s1: '#b23a08', s2: '#1d4ed8', s3: '#0f766e', s4: '#8a5a10', s5: '#7e22ce', s6: '#be185d', s7: '#4d7c0f',
};
export const DARK: Readonly<Record<string, string>> = {
  ground: '#14171b', card: '#1c2026', ink: '#e6e8eb', soft: '#a3acb7', line: '#353c46', land: '#343b40', sea: '#171b20', focus: '#8ab4ff',
  LOW: '#9db0c9', MEDIUM: '#e5b05a', HIGH: '#f48f5e', CRITICAL: '#f58080', good: '#5fd38a', bad: '#f58080', a: '#7fb0ff', b: '#f48f5e', c: '#9aa5b3',
  s1: '#f48f5e', s2: '#7fb0ff', s3: '#4fd1c5', s4: '#e5b05a', s5: '#c79bff', s6: '#f58bb8', s7: '#a3d65c',
};

const variables = (theme: Readonly<Record<string, string>>): string => Object.entries(theme).map(([name, color]) => `--${name}:${color};`).join('');

export const STYLE = `
:root { color-scheme: light dark; ${variables(LIGHT)} }
@media (prefers-color-scheme: dark) { :root { ${variables(DARK)} } }
* { box-sizing: border-box; }
html { scroll-padding-top: 56px; }
body { margin: 0; background: var(--ground); color: var(--ink); font: 15px/1.5 system-ui, sans-serif; }
main, footer, header > * { max-width: 1360px; margin: 0 auto; padding: 0 24px; }
main { padding-bottom: 40px; } footer { padding-bottom: 40px; font-size: 13px; } a { color: inherit; }
header > h1 { padding-top: 24px; font-size: 26px; margin-bottom: 2px; } h2 { font-size: 19px; margin: 36px 0 10px; } h3 { font-size: 16px; margin: 22px 0 8px; } h4 { font-size: 14px; margin: 16px 0 6px; }
main p { margin: 6px 0 10px; max-width: 100ch; } .soft { color: var(--soft); } code { font-size: 0.92em; overflow-wrap: anywhere; }
:focus-visible { outline: 3px solid var(--focus); outline-offset: 2px; border-radius: 4px; }
.skip { position: absolute; left: -9999px; } .skip:focus { left: 16px; top: 10px; background: var(--card); padding: 6px 12px; z-index: 3; }
body > nav { position: sticky; top: 0; z-index: 2; background: var(--ground); border-bottom: 1px solid var(--line); margin-top: 10px; }
nav > div { display: flex; flex-wrap: wrap; gap: 2px 18px; max-width: 1360px; margin: 0 auto; padding: 9px 24px; } nav a { text-decoration: none; color: var(--soft); padding: 2px 0; } nav a:hover { color: var(--ink); text-decoration: underline; }
.cards { display: grid; grid-template-columns: repeat(auto-fill, minmax(172px, 1fr)); gap: 10px; margin: 0; }
.card { background: var(--card); border: 1px solid var(--line); border-radius: 8px; padding: 10px 14px; display: flex; flex-direction: column-reverse; justify-content: flex-end; }
.card dd { margin: 0; font-size: 22px; font-weight: 650; font-variant-numeric: tabular-nums; } .card dt { color: var(--soft); font-size: 13px; }
.scroll { overflow-x: auto; background: var(--card); border: 1px solid var(--line); border-radius: 8px; margin: 0 0 14px; }
table { border-collapse: collapse; width: 100%; font-size: 14px; } caption { text-align: left; color: var(--soft); padding: 9px 12px 5px; font-size: 13px; }
th, td { text-align: left; padding: 6px 12px; border-bottom: 1px solid var(--line); vertical-align: top; font-weight: 400; }
thead th { color: var(--soft); font-weight: 600; vertical-align: bottom; } .n { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
thead th.n { white-space: normal; min-width: 9ch; } tbody tr:last-child > * { border-bottom: 0; } td.why { min-width: 26ch; } tr.chosen > * { background: color-mix(in srgb, var(--good) 11%, transparent); }
.severity { font-weight: 700; font-size: 12px; letter-spacing: .03em; }
${SEVERITIES.map((name) => `.${name} { color: var(--${name}); }`).join(' ')}
.true, .good { color: var(--good); } .false, .bad { color: var(--bad); }
.grid { display: grid; grid-template-columns: repeat(auto-fit, minmax(420px, 1fr)); gap: 14px; } .grid > * { min-width: 0; }
figure { margin: 0 0 14px; } .chart { background: var(--card); border: 1px solid var(--line); border-radius: 8px; padding: 10px 12px 6px; overflow: hidden; }
.chart figcaption { font-size: 14px; font-weight: 600; margin-bottom: 4px; } .canvas { min-height: 240px; } .u-legend { font-size: 12px; color: var(--soft); }
.u-legend .u-marker { border-radius: 2px; } .u-legend th, .u-legend td { border: 0; padding: 1px 4px; }
form { display: flex; flex-wrap: wrap; gap: 8px 22px; align-items: center; margin: 0 0 12px; } fieldset { border: 0; padding: 0; margin: 0; display: flex; flex-wrap: wrap; gap: 4px 16px; align-items: center; }
legend { float: left; color: var(--soft); margin-right: 12px; padding: 0; } input[type=search] { font: inherit; padding: 4px 8px; border: 1px solid var(--c); border-radius: 6px; background: var(--card); color: var(--ink); min-width: 22ch; }
.find { color: var(--soft); } output { color: var(--soft); }
details.finding { background: var(--card); border: 1px solid var(--line); border-radius: 8px; margin-bottom: 6px; } details[hidden] { display: none; }
summary { cursor: pointer; display: grid; grid-template-columns: 16px 76px 40px minmax(150px, 1.3fr) minmax(150px, 1fr) 140px minmax(150px, 1.2fr); gap: 10px; align-items: baseline; padding: 8px 14px; list-style: none; }
summary::before { content: '▸'; color: var(--soft); } details[open] > summary::before { content: '▾'; } summary::-webkit-details-marker { display: none; }
summary:hover { background: color-mix(in srgb, var(--a) 6%, transparent); } summary > * { overflow-wrap: anywhere; } .risk, .when { font-variant-numeric: tabular-nums; } .when { color: var(--soft); }
details.missed > summary { grid-template-columns: 16px 76px minmax(200px, 1fr) minmax(150px, 1fr); }
.inside { padding: 0 18px 14px; border-top: 1px solid var(--line); }
.facts { display: grid; grid-template-columns: minmax(120px, max-content) 1fr; gap: 3px 18px; margin: 0 0 10px; } .facts dt { color: var(--soft); } .facts dd { margin: 0; overflow-wrap: anywhere; max-width: 110ch; }
ul.evidence { margin: 0 0 14px; padding-left: 18px; max-width: 110ch; } .evidence li { margin-bottom: 6px; overflow-wrap: anywhere; }
.map svg[role=img] { display: block; width: 100%; max-width: 980px; background: var(--sea); border: 1px solid var(--line); border-radius: 8px; } #world { fill: var(--land); }
.ring { fill: none; stroke: var(--b); stroke-width: .7; } .ring.outer { stroke-dasharray: 2 1.6; opacity: .8; } .ring.likely { stroke-width: 1.1; }
.link { stroke: var(--c); stroke-width: .5; stroke-dasharray: 1.2 1.2; fill: none; } .declared { fill: var(--a); stroke: var(--card); stroke-width: .5; } .source { fill: var(--b); stroke: var(--card); stroke-width: .5; } .vantage { fill: var(--s3); stroke: var(--card); stroke-width: .5; }
.map figcaption { font-size: 13px; color: var(--soft); margin-top: 6px; } .key { margin-right: 18px; white-space: nowrap; } .key svg { width: 12px; height: 12px; vertical-align: -1px; overflow: visible; }
pre { background: var(--card); border: 1px solid var(--line); border-radius: 8px; padding: 10px 14px; overflow-x: auto; font-size: 13px; }
.defs { position: absolute; }
.cards + .scroll { margin-top: 14px; }
@media (max-width: 1100px) { th, td { padding: 6px 7px; } table { font-size: 13px; } }
@media (max-width: 700px) { summary { grid-template-columns: 16px 76px 1fr; } .grid { grid-template-columns: 1fr; } }
@media print { :root { ${variables(LIGHT)} } body { font-size: 11pt; background: #fff; } nav, form, .skip { display: none !important; } main, footer, header > * { max-width: none; padding: 0; }
  figure, tr, .card { break-inside: avoid; } h2, h3, h4 { break-after: avoid; } details.finding { break-inside: auto; } .scroll { overflow: visible; } }
`;
