/** Cost against a quantity, as a picture: one panel each, logarithmic across. */
export interface Panel {
  readonly title: string;
  readonly points: readonly { readonly x: number; readonly y: number }[];
}

const WIDTH = 420;
const HEIGHT = 280;
const MARGIN = { left: 56, right: 20, top: 40, bottom: 44 };
const short = new Intl.NumberFormat('en', { notation: 'compact' });

function panel({ title, points }: Panel, offset: number): string {
  const xs = points.map(({ x }) => Math.log10(x));
  const [least, most] = [Math.min(...xs), Math.max(...xs)];
  const top = Math.max(1, ...points.map(({ y }) => y)) * 1.15;
  const across = (x: number) => offset + MARGIN.left + ((Math.log10(x) - least) / Math.max(0.001, most - least)) * (WIDTH - MARGIN.left - MARGIN.right);
  const up = (y: number) => HEIGHT - MARGIN.bottom - (y / top) * (HEIGHT - MARGIN.top - MARGIN.bottom);
  const lines = [0, 0.25, 0.5, 0.75, 1].map((share) => {
    const y = up(share * top);
    return `<line x1="${offset + MARGIN.left}" x2="${offset + WIDTH - MARGIN.right}" y1="${y}" y2="${y}" class="grid"/><text x="${offset + MARGIN.left - 8}" y="${y + 4}" text-anchor="end">${(share * top).toFixed(1)}</text>`;
  });
  const marks = points.map(({ x, y }) => `<circle cx="${across(x)}" cy="${up(y)}" r="3.5"/><text x="${across(x)}" y="${HEIGHT - MARGIN.bottom + 18}" text-anchor="middle">${short.format(x)}</text>`);
  const path = points.map(({ x, y }) => `${across(x)},${up(y)}`).join(' ');
  return `<text x="${offset + MARGIN.left}" y="22" class="title">${title}</text>${lines.join('')}<polyline points="${path}"/>${marks.join('')}`;
}

/** An SVG document. Text in it is ours, so nothing has to be escaped. */
export function plot(panels: readonly Panel[]): string {
  const style = 'text{font:12px system-ui,sans-serif;fill:#444}.title{font-weight:600;fill:#111}.grid{stroke:#ddd}polyline{fill:none;stroke:#0b6bcb;stroke-width:2}circle{fill:#0b6bcb}';
  const body = panels.map((one, index) => panel(one, index * WIDTH)).join('\n');
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${panels.length * WIDTH} ${HEIGHT}" width="${panels.length * WIDTH}" height="${HEIGHT}"><style>${style}</style><rect width="100%" height="100%" fill="#fff"/>\n${body}\n</svg>\n`;
}
