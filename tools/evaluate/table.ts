/** The evaluation as a table for people. */
import { type KindScore, LEVELS } from './scores.ts';
import type { EvaluationResult } from './run.ts';

const text = (n: number | null, digits = 0): string => (n === null ? '–' : n.toFixed(digits));

function aligned(rows: readonly (readonly string[])[]): string {
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  return rows.map((row) => row.map((cell, i) => (i === 0 ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!))).join('  ')).join('\n');
}

function sum(rows: readonly KindScore[], remote: boolean): KindScore {
  const all = rows.filter((row) => row.remote === remote);
  const total = (of: (row: KindScore) => number): number => all.reduce((n, row) => n + of(row), 0);
  const sessionDays = total((row) => row.sessionDays);
  const found = Object.fromEntries(LEVELS.map((level) => [level, total((row) => row.found[level])])) as KindScore['found'];
  const falsePer1000 = remote
    ? null
    : (Object.fromEntries(LEVELS.map((level) => [level, total((row) => row.falsePer1000![level] * row.sessionDays) / sessionDays])) as KindScore['found']);
  return { kind: remote ? 'all piloted' : 'all honest', remote, sessions: total((row) => row.sessions), found, medianMinutes: null, sessionDays, falsePer1000 };
}

export function tableOf({ scores }: Pick<EvaluationResult, 'scores'>): string {
  const [farhand, ...rules] = scores as [EvaluationResult['scores'][number], ...EvaluationResult['scores']];
  const ofKind = (rows: readonly KindScore[], kind: string): KindScore => rows.find((row) => row.kind === kind)!;
  const withSum = (rows: readonly KindScore[], remote: boolean): KindScore[] => [...rows.filter((row) => row.remote === remote), sum(rows, remote)];
  const piloted = withSum(farhand.rows, true).map((row) => [
    row.kind,
    String(row.sessions),
    ...LEVELS.map((level) => String(row.found[level])),
    text(row.medianMinutes),
    ...rules.map((rule) => String(ofKind(withSum(rule.rows, true), row.kind).found.any)),
  ]);
  const honest = withSum(farhand.rows, false).map((row) => [
    row.kind,
    String(row.sessionDays),
    ...LEVELS.map((level) => text(row.falsePer1000![level], 1)),
    ...rules.map((rule) => text(ofKind(withSum(rule.rows, false), row.kind).falsePer1000!.any, 1)),
  ]);
  const names = rules.map((rule) => rule.detector);
  return [
    'Piloted sessions: found at any severity, at least MEDIUM, at least HIGH; median minutes until found; found by simple rules',
    aligned([['kind', 'sessions', 'any', '≥MEDIUM', '≥HIGH', 'minutes', ...names], ...piloted]),
    '',
    'Honest sessions: false findings per 1,000 session-days',
    aligned([['kind', 'session-days', 'any', '≥MEDIUM', '≥HIGH', ...names], ...honest]),
  ].join('\n');
}
