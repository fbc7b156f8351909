/** Text into HTML, numbers and times as the page writes them, and data into a script element. */
import type { Severity } from '#schemas/records.ts';

const ENTITIES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };

/** Nothing in a history can become markup. */
export function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => ENTITIES[character]!);
}

/** JSON that can stand inside <script>: no tag and no line separator in it. NaN becomes null. */
export function scriptJson(value: unknown): string {
  return JSON.stringify(value).replace(/[<>&\u2028\u2029]/g, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

export const number = (value: number): string => value.toLocaleString('en');
export const share = (value: number | null): string => (value === null ? '–' : value.toFixed(3));
/** `2026-03-02 09:14`, UTC. */
export const time = (at: number): string => new Date(at).toISOString().slice(0, 16).replace('T', ' ');

export function duration(ms: number | null): string {
  if (ms === null) return '–';
  const minutes = ms / 60_000;
  return minutes < 120 ? `${minutes.toFixed(1)} min` : `${(minutes / 60).toFixed(1)} h`;
}

/** `0.750 (0.412–0.928)`, both ends of a 95% interval behind the value. */
export function within(value: number | null, interval: { readonly lower: number; readonly upper: number } | null, digits: number): string {
  if (value === null) return '–';
  const ends = interval === null ? '' : ` <span class="soft">(${interval.lower.toFixed(digits)}–${interval.upper.toFixed(digits)})</span>`;
  return `${value.toFixed(digits)}${ends}`;
}

export const badge = (severity: Severity): string => `<span class="severity ${severity}">${severity}</span>`;

export interface TableOptions {
  readonly caption: string;
  readonly head: readonly string[];
  /** Cells are HTML. The first one of a row is its heading. */
  readonly rows: readonly (readonly string[])[];
  /** Columns that hold numbers. */
  readonly numeric?: ReadonlySet<number>;
}

export function table({ caption, head, rows, numeric = new Set() }: TableOptions): string {
  const classOf = (i: number) => (numeric.has(i) ? ' class="n"' : '');
  const cells = (row: readonly string[]) => row.map((cell, i) => (i === 0 ? `<th scope="row"${classOf(i)}>${cell}</th>` : `<td${classOf(i)}>${cell}</td>`)).join('');
  return `<div class="scroll" tabindex="0" role="region" aria-label="${escapeHtml(caption)}"><table><caption>${escapeHtml(caption)}</caption>
<thead><tr>${head.map((cell, i) => `<th scope="col"${classOf(i)}>${cell}</th>`).join('')}</tr></thead>
<tbody>${rows.map((row) => `<tr>${cells(row)}</tr>`).join('\n')}</tbody></table></div>`;
}

export const section = (id: string, title: string, body: string): string => `<section aria-labelledby="${id}"><h2 id="${id}">${escapeHtml(title)}</h2>\n${body}\n</section>`;
