/** A and B in the report. */
import { RANK, SEVERITIES } from '../replay/evaluation-figures.ts';
import { badge, duration, escapeHtml as text, number, table, time } from '../replay/report/html.ts';
import { LEVEL_HEAD, levelCells } from '../replay/report/sections.ts';
import { shown, type Change, type Difference, type Side } from './compare.ts';
import type { Comparison } from './comparison.ts';

/** Differences in the table; all are in comparison.ndjson. */
const DIFFERENCES_MAX = 500;

const CHANGE_TEXT: Readonly<Record<Change, string>> = { new: 'new with B', gone: 'gone with B', severity: 'other severity', earlier: 'earlier with B', later: 'later with B', evidence: 'other evidence or risk score' };

export function comparisonSection(comparison: Comparison, differences: readonly Difference[]): string {
  return [names(comparison), settings(comparison), counts(comparison), figures(comparison), signals(comparison), list(differences, comparison)].join('\n');
}

function names({ a, b }: Comparison): string {
  const of = (name: string, { file, rules }: Comparison['a']) => `<dt>${name}</dt><dd>${text(file)}: rules ${text(rules.name)}, version ${text(rules.version)}, hash <code>${rules.hash.slice(0, 12)}</code></dd>`;
  return `<dl class="facts">${of('A', a)}${of('B', b)}</dl><p class="soft">The rest of this report is about B.</p>`;
}

function settings({ settings: all, bySetting, settingsTried }: Comparison): string {
  if (all.length === 0) return '<p>Both configurations have the same settings.</p>';
  const alone = new Map(bySetting.map(({ key, findings }) => [key, findings]));
  const note = settingsTried ? '' : '<p class="soft">Too many settings differ to try each of them alone.</p>';
  return (
    table({
      caption: 'Settings that differ, and how many of the differences each makes alone',
      head: ['setting', 'A', 'B', 'differences it makes alone'],
      rows: all.map(({ key, a, b }) => [`<code>${text(key)}</code>`, `<code>${text(shown(a))}</code>`, `<code>${text(shown(b))}</code>`, alone.has(key) ? number(alone.get(key)!) : '–']),
      numeric: new Set([3]),
    }) + note
  );
}

function counts({ same, changes }: Comparison): string {
  const entries = [...(Object.keys(changes) as Change[]).map((change): [string, number] => [CHANGE_TEXT[change], changes[change]]), ['the same', same] as [string, number]];
  return `<dl class="cards">${entries.map(([name, count]) => `<div class="card"><dt>${name}</dt><dd>${number(count)}</dd></div>`).join('')}</dl>`;
}

function figures({ a, b }: Comparison): string {
  const bySeverity = table({
    caption: 'Findings, by their highest severity',
    head: ['', ...SEVERITIES.map(badge), 'all'],
    rows: ([['A', a], ['B', b]] as const).map(([name, side]) => [name, ...SEVERITIES.map((severity) => number(side.bySeverity[severity])), number(side.findings)]),
    numeric: new Set([1, 2, 3, 4, 5]),
  });
  const [inA, inB] = [a.evaluation, b.evaluation];
  if (inA === null || inB === null) return bySeverity;
  const rows = SEVERITIES.flatMap((severity) => [
    [`${badge(severity)}&nbsp;A`, ...levelCells(inA.byLeastSeverity[severity])],
    [`${badge(severity)}&nbsp;B`, ...levelCells(inB.byLeastSeverity[severity])],
  ]);
  return bySeverity + table({ caption: 'Against the truth, by least severity; in brackets the 95% interval', head: ['at least', ...LEVEL_HEAD], rows, numeric: new Set([1, 2, 3, 4, 5, 6, 7, 8, 9]) });
}

function signals({ bySignal }: Comparison): string {
  if (bySignal.length === 0) return '';
  return table({
    caption: 'Signals whose evidence differs in these findings',
    head: ['signal', 'stronger with A', 'stronger with B'],
    rows: bySignal.map(({ signal, strongerInA, strongerInB }) => [text(signal), number(strongerInA), number(strongerInB)]),
    numeric: new Set([1, 2]),
  });
}

const weight = ({ a, b }: Difference): number => Math.max(a === null ? -1 : RANK[a.severity], b === null ? -1 : RANK[b.severity]);

function list(differences: readonly Difference[], { same }: Comparison): string {
  if (differences.length === 0) return `<p>No finding differs; ${number(same)} are the same.</p>`;
  const side = (value: Side | null) => (value === null ? '–' : `${badge(value.severity)} ${value.riskScore}<br><span class="soft">${time(value.openedAt)}</span>`);
  const truth = ({ label }: Difference) => (label === null ? '' : `<br><span class="${label.remote ? 'good' : 'bad'}">${label.remote ? 'remote' : 'honest'}: ${text(label.kind)}</span>`);
  const rows = differences
    .toSorted((x, y) => weight(y) - weight(x))
    .slice(0, DIFFERENCES_MAX)
    .map((difference) => [
      difference.changes.map((change) => CHANGE_TEXT[change]).join(', '),
      `${text(difference.userId)}<br><span class="soft">${text(difference.sessionId)}</span>${truth(difference)}`,
      side(difference.a),
      side(difference.b),
      difference.shiftMs === null || difference.shiftMs === 0 ? '' : `${difference.shiftMs < 0 ? '−' : '+'}${duration(Math.abs(difference.shiftMs))}`,
      text(difference.reason),
    ]);
  const more = differences.length > DIFFERENCES_MAX ? `<p class="soft">${number(differences.length - DIFFERENCES_MAX)} more are in comparison.ndjson.</p>` : '';
  return table({ caption: 'Findings that differ, the most severe first', head: ['change', 'person', 'A', 'B', 'shift', 'why'], rows, numeric: new Set([4]) }) + more;
}

