/** Small charts as SVG text, readable on light and on dark pages. Sizes in px, values in the data's own units. */

export interface Scale {
  readonly ticks: readonly number[];
  /** Position between 0 and 1. */
  at(value: number): number;
}

export function linear(low: number, high: number, ticks: readonly number[]): Scale {
  return { ticks, at: (value) => Math.min(1, Math.max(0, (value - low) / (high - low))) };
}

/** Logarithmic; values at or below `low` stand at its left end. */
export function logarithmic(low: number, high: number, ticks: readonly number[]): Scale {
  const span = Math.log(high / low);
  return { ticks, at: (value) => (value <= low ? 0 : Math.min(1, Math.log(value / low) / span)) };
}

export const escaped = (text: string): string => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
export const px = (n: number): string => String(Math.round(n * 10) / 10);

const STYLE = `<style>
.page{fill:#fff}.ink{fill:#1d2733}.soft{fill:#52606f}.grid{stroke:#dfe5ec;fill:none}.axis{stroke:#5b6b80;fill:none}
.l0{stroke:#2f62b5;fill:none}.l1{stroke:#b8561f;fill:none}.l2{stroke:#2c7d58;fill:none}.l3{stroke:#8a4fa3;fill:none}.l4{stroke:#71808f;fill:none}
.f0{fill:#2f62b5}.f1{fill:#b8561f}.f2{fill:#2c7d58}.f3{fill:#8a4fa3}.f4{fill:#71808f}.f5{fill:#a9c1e8}
@media (prefers-color-scheme:dark){.page{fill:#12181f}.ink{fill:#e8edf3}.soft{fill:#a3b1c0}.grid{stroke:#2c3743}.axis{stroke:#8496a9}
.l0{stroke:#7fabf2}.l1{stroke:#f0965c}.l2{stroke:#63c79a}.l3{stroke:#cf9be6}.l4{stroke:#9aa9b8}
.f0{fill:#7fabf2}.f1{fill:#f0965c}.f2{fill:#63c79a}.f3{fill:#cf9be6}.f4{fill:#9aa9b8}.f5{fill:#34507d}}
</style>`;

export function picture({ width, height, title, description, body }: { width: number; height: number; title: string; description: string; body: readonly string[] }): string {
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" role="img" aria-labelledby="t d" font-family="system-ui, -apple-system, 'Segoe UI', sans-serif" font-size="12">`,
    `<title id="t">${escaped(title)}</title>`,
    `<desc id="d">${escaped(description)}</desc>`,
    STYLE,
    `<rect class="page" width="${width}" height="${height}" rx="8"/>`,
    `<text class="ink" x="20" y="26" font-size="15" font-weight="600">${escaped(title)}</text>`,
    ...body,
    '</svg>\n',
  ].join('\n');
}

export const text = (x: number, y: number, value: string, { anchor = 'start', soft = false, size = 12, bold = false }: { anchor?: 'start' | 'middle' | 'end'; soft?: boolean; size?: number; bold?: boolean } = {}): string =>
  `<text class="${soft ? 'soft' : 'ink'}" x="${px(x)}" y="${px(y)}" text-anchor="${anchor}"${size === 12 ? '' : ` font-size="${size}"`}${bold ? ' font-weight="600"' : ''}>${escaped(value)}</text>`;

export interface Plot {
  left: number;
  top: number;
  width: number;
  height: number;
  x: Scale;
  y: Scale;
}

export const xOf = ({ left, width, x }: Plot, value: number): number => left + width * x.at(value);
export const yOf = ({ top, height, y }: Plot, value: number): number => top + height * (1 - y.at(value));

export interface Axes {
  xLabel: string;
  yLabel: string;
  xTick?: (value: number) => string;
  yTick?: (value: number) => string;
}

/** Grid, ticks and the names of both axes. */
export function axes(plot: Plot, { xLabel, yLabel, xTick = String, yTick = String }: Axes): string[] {
  const { left, top, width, height } = plot;
  const lines: string[] = [];
  for (const tick of plot.y.ticks) {
    const y = yOf(plot, tick);
    lines.push(`<path class="grid" d="M${px(left)} ${px(y)}H${px(left + width)}"/>`, text(left - 8, y + 4, yTick(tick), { anchor: 'end', soft: true }));
  }
  for (const tick of plot.x.ticks) {
    const x = xOf(plot, tick);
    lines.push(`<path class="grid" d="M${px(x)} ${px(top)}V${px(top + height)}"/>`, text(x, top + height + 18, xTick(tick), { anchor: 'middle', soft: true }));
  }
  lines.push(`<path class="axis" d="M${px(left)} ${px(top)}V${px(top + height)}H${px(left + width)}"/>`);
  lines.push(text(left + width / 2, top + height + 38, xLabel, { anchor: 'middle' }));
  lines.push(`<text class="ink" transform="translate(${px(left > 90 ? left - 66 : left - 46)} ${px(top + height / 2)}) rotate(-90)" text-anchor="middle">${escaped(yLabel)}</text>`);
  return lines;
}

export function line(plot: Plot, points: readonly (readonly [number, number])[], color: number, dashed = false): string {
  const path = points.map(([x, y], i) => `${i === 0 ? 'M' : 'L'}${px(xOf(plot, x))} ${px(yOf(plot, y))}`).join('');
  return `<path class="l${color}" stroke-width="2"${dashed ? ' stroke-dasharray="5 4"' : ''} d="${path}"/>`;
}

/** A point with the interval of its y value. */
export function point(plot: Plot, [x, y]: readonly [number, number], color: number, interval?: readonly [number, number]): string {
  const cx = px(xOf(plot, x));
  const whisker = interval === undefined ? '' : `<path class="l${color}" stroke-width="1.4" d="M${cx} ${px(yOf(plot, interval[0]))}V${px(yOf(plot, interval[1]))}"/>`;
  return `${whisker}<circle class="f${color}" cx="${cx}" cy="${px(yOf(plot, y))}" r="4"/>`;
}

/** One line per name, from (x, y) down. */
export function legend(x: number, y: number, names: readonly { name: string; color: number; dashed?: boolean }[]): string[] {
  return names.flatMap(({ name, color, dashed }, i) => [
    `<path class="l${color}" stroke-width="3"${dashed === true ? ' stroke-dasharray="5 4"' : ''} d="M${px(x)} ${px(y + 18 * i - 4)}h22"/>`,
    text(x + 30, y + 18 * i, name),
  ]);
}

export const percentTick = (share: number): string => `${Math.round(share * 100)}%`;
