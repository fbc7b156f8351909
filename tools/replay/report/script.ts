/**
 * The page's own script: draws the charts in the colours of the page (again when it is resized or the theme changes), those
 * of a finding when it is opened; filters the findings; opens what is open for printing. It reads nothing from elsewhere.
 */
export const SCRIPT = `
const charts = JSON.parse(document.getElementById('charts').textContent);
const css = (name) => getComputedStyle(document.documentElement).getPropertyValue('--' + name).trim();
const faint = (color) => 'color-mix(in srgb, ' + color + ' 16%, transparent)';
const drawn = new Map();
// Hours and minutes, and the date at midnight.
const clock = (tick) => { const iso = new Date(tick * 1e3).toISOString(); return iso.slice(11, 16) === '00:00' ? iso.slice(5, 10) : iso.slice(11, 16); };
const axisOf = { time: () => (u, ticks) => ticks.map(clock), number: () => undefined,
  names: (x) => (u, ticks) => ticks.map((tick) => Number.isInteger(tick) ? x.names[tick] ?? '' : '') };
function decorate(chart) {
  const across = (u, at) => Math.round(u.valToPos(at, 'x', true));
  return {
    drawClear: [(u) => { // below the lines
      const { ctx, bbox } = u;
      ctx.save();
      for (const span of chart.spans) {
        const from = Math.max(bbox.left, across(u, span.from)), to = Math.min(bbox.left + bbox.width, across(u, span.to));
        if (to <= from) continue;
        ctx.fillStyle = faint(css('b'));
        ctx.fillRect(from, bbox.top, to - from, bbox.height);
      }
      ctx.restore();
    }],
    draw: [(u) => {
      const { ctx, bbox } = u;
      ctx.save();
      ctx.textAlign = 'left';
      ctx.font = 12 * devicePixelRatio + 'px system-ui';
      for (const [i, mark] of chart.marks.entries()) {
        const x = across(u, mark.at);
        if (x < bbox.left || x > bbox.left + bbox.width) continue;
        ctx.strokeStyle = ctx.fillStyle = css(mark.color);
        ctx.setLineDash([6, 4]);
        ctx.beginPath(); ctx.moveTo(x, bbox.top); ctx.lineTo(x, bbox.top + bbox.height); ctx.stroke();
        const left = x + ctx.measureText(mark.name).width + 8 > bbox.left + bbox.width;
        ctx.textAlign = left ? 'right' : 'left';
        ctx.fillText(mark.name, left ? x - 5 : x + 5, bbox.top + (12 + 15 * i) * devicePixelRatio);
      }
      ctx.restore();
    }],
  };
}
function seriesOf(chart, { name, color, style = 'line' }) {
  const base = { label: name, stroke: css(color), width: 1.8, spanGaps: chart.x.kind !== 'time' || style === 'step', points: { show: false } };
  if (chart.kind === 'bars') return { ...base, paths: uPlot.paths.bars({ size: [0.9, 60] }), fill: css(color) };
  if (style === 'step') return { ...base, paths: uPlot.paths.stepped({ align: 1 }), points: { show: true, size: 5 } };
  if (style === 'points') return { ...base, paths: () => null, points: { show: true, size: 8, fill: css(color) } };
  if (style === 'dashed') return { ...base, width: 1, dash: [4, 4] };
  return { ...base, points: { show: chart.x.kind !== 'time' && chart.data[0].length < 60, size: 6, fill: css(color) } };
}
function draw(id) {
  const chart = charts[id], host = document.getElementById('chart-' + id);
  drawn.get(id)?.destroy();
  const axis = { stroke: css('soft'), grid: { stroke: css('line'), width: 1 }, ticks: { stroke: css('line'), width: 1 }, font: '12px system-ui' };
  const named = chart.x.kind === 'names' ? { splits: () => chart.x.names.map((_, i) => i) } : {};
  const low = chart.data[0][0], high = chart.data[0].at(-1);
  const pad = chart.x.kind === 'time' ? 0 : ((high - low) || 1) * 0.04;
  drawn.set(id, new uPlot({
    width: Math.max(200, host.clientWidth), height: 240, hooks: decorate(chart),
    tzDate: (ts) => uPlot.tzDate(new Date(ts * 1e3), 'Etc/UTC'),
    cursor: { drag: { x: true, y: false } },
    scales: { x: { time: chart.x.kind === 'time', ...(chart.x.kind === 'time' ? {} : { range: [low - pad, high + pad] }) },
      y: { range: chart.range ? () => [chart.range[0], chart.range[1] * 1.02] : (u, low, high) => [Math.min(0, low ?? 0), Math.max(1, high ?? 1) * 1.08] } },
    axes: [{ ...axis, ...named, values: axisOf[chart.x.kind](chart.x), ...(chart.x.label ? { label: chart.x.label, labelSize: 18, labelFont: '12px system-ui', size: 34 } : {}) },
      { ...axis, size: 58, label: chart.unit, labelSize: 18, labelFont: '12px system-ui' }],
    bands: chart.bands.map(([upper, lower]) => ({ series: [upper, lower], fill: faint(css(chart.series[upper - 1].color)) })),
    series: [chart.x.kind === 'time' ? { value: '{YYYY}-{MM}-{DD} {HH}:{mm} UTC' } : { label: chart.x.label, ...(chart.x.kind === 'names' ? { value: (u, v) => chart.x.names[v] ?? '' } : {}) },
      ...chart.series.map((series) => seriesOf(chart, series))],
  }, chart.data, host));
}
const idsIn = (element) => [...element.querySelectorAll('.canvas')].map(({ id }) => Number(id.slice(6)));
const visible = () => idsIn(document).filter((id) => document.getElementById('chart-' + id).checkVisibility());
for (const id of visible()) draw(id);
for (const finding of document.querySelectorAll('details.finding')) finding.addEventListener('toggle', () => {
  if (finding.open) for (const id of idsIn(finding)) if (!drawn.has(id)) draw(id);
});
const redraw = () => { for (const id of drawn.keys()) if (document.getElementById('chart-' + id).checkVisibility()) draw(id); else { drawn.get(id).destroy(); drawn.delete(id); } };
let timer, width = innerWidth;
addEventListener('resize', () => { if (innerWidth === width) return; width = innerWidth; clearTimeout(timer); timer = setTimeout(redraw, 120); });
matchMedia('(prefers-color-scheme: dark)').addEventListener('change', redraw);
const form = document.getElementById('filter');
function filter() {
  const wanted = new Set([...form.querySelectorAll('[name=severity]:checked')].map(({ value }) => value));
  const words = form.elements.text.value.toLowerCase().split(/\\s+/).filter(Boolean);
  let shown = 0;
  const all = document.querySelectorAll('#findings-list > details');
  for (const finding of all) {
    const fits = wanted.has(finding.dataset.severity) && words.every((word) => finding.dataset.text.includes(word));
    finding.hidden = !fits;
    if (fits) shown++;
  }
  document.getElementById('shown').textContent = shown + ' of ' + all.length + ' findings';
}
if (form !== null) {
  form.addEventListener('input', filter);
  form.addEventListener('submit', (event) => event.preventDefault());
  filter();
}
// On paper, what can be read must be open: the findings that are shown, unless they are very many.
let opened = [];
addEventListener('beforeprint', () => {
  const shown = [...document.querySelectorAll('details.finding:not([open]):not([hidden])')];
  if (shown.length > 40) return;
  opened.push(...shown);
  for (const finding of shown) { finding.open = true; for (const id of idsIn(finding)) if (!drawn.has(id)) draw(id); }
});
addEventListener('afterprint', () => { for (const finding of opened) finding.open = false; opened = []; });
`;
