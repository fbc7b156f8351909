/** The page's own script: draws the charts in the colours of the page, again when it is resized or the theme changes. */
export const SCRIPT = `
const charts = JSON.parse(document.getElementById('charts').textContent);
const css = (name) => getComputedStyle(document.documentElement).getPropertyValue('--' + name).trim();
const drawn = [];
// Hours and minutes, and the date at midnight.
const clock = (tick) => { const iso = new Date(tick * 1e3).toISOString(); return iso.slice(11, 16) === '00:00' ? iso.slice(5, 10) : iso.slice(11, 16); };
function draw() {
  while (drawn.length) drawn.pop().destroy();
  for (const [i, chart] of charts.entries()) {
    const host = document.getElementById('chart-' + i);
    const axis = { stroke: css('soft'), grid: { stroke: css('line'), width: 1 }, ticks: { stroke: css('line'), width: 1 } };
    const marks = (u) => {
      const { ctx, bbox } = u;
      ctx.save();
      ctx.textAlign = 'left';
      ctx.font = 12 * devicePixelRatio + 'px system-ui';
      for (const mark of chart.marks) {
        const x = Math.round(u.valToPos(mark.at, 'x', true));
        if (x < bbox.left || x > bbox.left + bbox.width) continue;
        ctx.strokeStyle = ctx.fillStyle = css(mark.color);
        ctx.setLineDash([6, 4]);
        ctx.beginPath(); ctx.moveTo(x, bbox.top); ctx.lineTo(x, bbox.top + bbox.height); ctx.stroke();
        ctx.fillText(mark.name, x + 5, bbox.top + (12 + 15 * chart.marks.indexOf(mark)) * devicePixelRatio);
      }
      ctx.restore();
    };
    const bars = chart.kind === 'bars' ? uPlot.paths.bars({ size: [0.9, 60] }) : undefined;
    drawn.push(new uPlot({
      width: host.clientWidth, height: 240, tzDate: (ts) => uPlot.tzDate(new Date(ts * 1e3), 'Etc/UTC'), hooks: { draw: [marks] },
      cursor: { drag: { x: true, y: false } },
      scales: { y: { range: (u, low, high) => [Math.min(0, low ?? 0), Math.max(1, high ?? 1) * 1.08] } },
      axes: [{ ...axis, values: (u, ticks) => ticks.map(clock) }, { ...axis, size: 58, label: chart.unit, labelSize: 18, labelFont: '12px system-ui' }],
      series: [{ value: '{YYYY}-{MM}-{DD} {HH}:{mm} UTC' }, ...chart.series.map(({ name, color }) => ({
        label: name, stroke: css(color), width: 1.6, spanGaps: false, points: { show: false },
        ...(bars === undefined ? {} : { paths: bars, fill: css(color) }) }))],
    }, chart.data, host));
  }
}
draw();
let timer; addEventListener('resize', () => { clearTimeout(timer); timer = setTimeout(draw, 120); });
matchMedia('(prefers-color-scheme: dark)').addEventListener('change', draw);
`;
