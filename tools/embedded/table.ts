/** The findings as a table for a terminal: one line of facts per finding, then why, wrapped to the width. */
import { stripVTControlCharacters, styleText } from 'node:util';
import type { Severity } from '#schemas/records.ts';
import type { Found, Truth } from './verdicts.ts';

const WIDTH_LEAST = 60;
const WIDTH_MOST = 140;
/** Findings that are printed. */
const ROWS_MAX = 40;

interface TableOptions {
  /** Columns of the terminal. */
  readonly width: number;
  readonly colour: boolean;
  /** The truth about a finding's session, where it is known. */
  readonly truth: (found: Found) => Truth | null;
}

type Style = Parameters<typeof styleText>[0];

const SEVERITY_STYLE: Readonly<Record<Severity, Style>> = { LOW: 'gray', MEDIUM: 'yellow', HIGH: ['red', 'bold'], CRITICAL: ['magenta', 'bold'] };

export function clampWidth(columns: number | undefined): number {
  return Math.min(WIDTH_MOST, Math.max(WIDTH_LEAST, columns ?? 100));
}

/** Breaks at spaces; a word that is longer than the width stands alone on its line. */
export function wrap(text: string, width: number, indent: string): string {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(/\s+/)) {
    if (line !== '' && line.length + 1 + word.length > width - indent.length) {
      lines.push(line);
      line = word;
    } else {
      line = line === '' ? word : `${line} ${word}`;
    }
  }
  lines.push(line);
  return lines.map((each, i) => (i === 0 ? each : indent + each)).join('\n');
}

/** Names in telemetry are not ours: nothing in them may steer the terminal. */
function plain(text: string, most: number): string {
  const safe = stripVTControlCharacters(text).replace(/\p{Cc}/gu, '?');
  return safe.length <= most ? safe : `${safe.slice(0, most - 1)}…`;
}

const COLUMNS = [
  ['Severity', 9],
  ['Risk', 5],
  ['User', 16],
  ['Hypothesis', 18],
  ['Distance, km', 23],
  ['Opened, UTC', 17],
] as const;

const km = (value: number) => Math.round(value).toLocaleString('en');

export function formatTable(found: readonly Found[], { width, colour, truth }: TableOptions): string {
  const paint = (style: Style, text: string) => (colour ? styleText(style, text, { validateStream: false }) : text);
  const lines = [paint('dim', COLUMNS.map(([name, size]) => name.padEnd(size)).join('')), paint('dim', '─'.repeat(Math.min(width, 100)))];
  for (const entry of found.slice(0, ROWS_MAX)) {
    const { strongest, openedAt } = entry;
    const distance = strongest.operatorDistanceKm;
    const cells = [
      paint(SEVERITY_STYLE[strongest.severity], strongest.severity.padEnd(9)),
      String(strongest.riskScore).padEnd(5),
      plain(strongest.userId, 15).padEnd(16),
      (strongest.hypotheses[0]?.hypothesis ?? '').padEnd(18),
      (distance === null ? '–' : `${km(distance.likely)} (${km(distance.lower)}–${km(distance.upper)})`).padEnd(23),
      new Date(openedAt).toISOString().slice(0, 16).replace('T', ' ').padEnd(17),
    ];
    const known = truth(entry);
    const note = known === null ? '' : known.remote ? paint('green', `✓ ${known.kind}`) : paint('red', `✗ honest: ${known.kind}`);
    lines.push(cells.join('') + note);
    if (strongest.severity === 'LOW') {
      // A LOW finding is to be observed only: one line says why, --json has all of it.
      lines.push(`  · ${paint('dim', plain(strongest.evidence[0]?.explanation ?? '', width - 4))}`);
      continue;
    }
    for (const { explanation } of strongest.evidence) lines.push(`  · ${paint('dim', wrap(plain(explanation, 600), width, '    '))}`);
  }
  if (found.length > ROWS_MAX) lines.push(paint('dim', `… and ${found.length - ROWS_MAX} more`));
  return `${lines.join('\n')}\n`;
}
