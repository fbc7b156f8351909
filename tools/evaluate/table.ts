/** The evaluation as tables for people. */
import { poissonInterval } from '#lib/kernel/intervals.ts';
import type { AblationRow } from './ablation.ts';
import { BEFORE } from './cases/kinds.ts';
import { type DistanceScore, distanceScore } from './distance.ts';
import { judgeGoals, type GoalRow } from './goals.ts';
import type { SessionOutcome } from './outcome.ts';
import { ALL_RULES } from './simple-rules.ts';
import type { PromiseResult } from './stages.ts';
import { areaUnder, curve } from './statistics.ts';
import { equalShares, falseFindings, type FalseFindings, recallOfPeople, recallOfSessions, scoreRule, type RuleScore } from './summary.ts';

export const number = (n: number | null, digits = 0): string => (n === null || Number.isNaN(n) ? '–' : n.toFixed(digits));
export const count = (n: number): string => n.toLocaleString('en-US');
export const percent = (share: number | null): string => (share === null ? '–' : `${(100 * share).toFixed(0)}%`);

export type Rows = readonly (readonly string[])[];

/** First column to the left, the others to the right. */
export function aligned(rows: Rows): string {
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  return rows.map((row) => row.map((cell, i) => (i === 0 ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!))).join('  ')).join('\n');
}

/** Where LOW is asked for, MEDIUM is too much. */
export function verdictOf({ goal, recall, met }: Pick<GoalRow, 'goal' | 'recall' | 'met'>): string {
  const tooMuch = goal.level === 'LOW' ? recall.found.MEDIUM : 0;
  return met ? 'met' : tooMuch > 0 ? `NOT MET (${tooMuch} at MEDIUM)` : 'NOT MET';
}

export function goalRows(rows: readonly GoalRow[]): string[][] {
  return [
    ['goal', 'of', 'n', 'recall', '95%', 'asked', 'any level', 'after history', 'from first', 'median', 'asked', ''],
    ...rows.map(({ goal, recall, share, interval, medianTime, byMode, met }) => {
      const unit = goal.of === 'people' ? 'd' : 'min';
      return [
        goal.title, goal.of, String(recall.total), percent(share), `${percent(interval[0])}–${percent(interval[1])}`, `≥ ${percent(goal.recall)}`,
        percent(recall.found.any / recall.total), percent(byMode.history), percent(byMode.first),
        medianTime === null ? '–' : `${number(medianTime, goal.of === 'people' ? 0 : 1)} ${unit}`, `≤ ${goal.within} ${unit}`, verdictOf({ goal, recall, met }),
      ];
    }),
  ];
}

export function falseRows(rows: readonly FalseFindings[]): string[][] {
  return [
    ['honest kind', 'session-days', 'LOW+', 'MEDIUM+', 'HIGH+', 'per 1,000: any', '≥ MEDIUM', '95% bound'],
    ...rows.map(({ kind, sessionDays, findings, per1000, upper1000 }) => [
      kind, String(sessionDays), String(findings.any), String(findings.MEDIUM), String(findings.HIGH), number(per1000.any, 1), number(per1000.MEDIUM, 2), number(upper1000, 2),
    ]),
  ];
}

export interface Report {
  goals: GoalRow[];
  honest: FalseFindings[];
  allHonest: FalseFindings;
  /** Of `honest`, each kind counted alike, without the honest days of people who are piloted later. */
  equalShares: number | null;
  rules: RuleScore[];
  areaUnderRoc: number;
  distance: DistanceScore;
}

export function reportOf(outcomes: readonly SessionOutcome[]): Report {
  const honest = outcomes.filter((session) => !session.remote);
  const piloted = outcomes.filter((session) => session.remote);
  const kinds = [...Map.groupBy(honest, (session) => session.kind)].toSorted(([a], [b]) => (a < b ? -1 : 1));
  const names = [...new Set(outcomes.flatMap((session) => Object.keys(session.rules)))].filter((name) => name !== ALL_RULES).toSorted();
  const rows = kinds.map(([kind, sessions]) => falseFindings(kind, sessions));
  return {
    goals: judgeGoals(outcomes),
    honest: rows,
    equalShares: equalShares(rows.filter(({ kind }) => kind !== BEFORE)),
    allHonest: falseFindings('all honest', honest),
    rules: [...names, ALL_RULES].map((name) => scoreRule(name, piloted, honest)),
    distance: distanceScore(piloted),
    areaUnderRoc: areaUnder(curve(piloted.map(({ strength }) => strength), honest.map(({ strength }) => strength))),
  };
}

/** Tolerated at MEDIUM and above by the goals, per 1,000 honest session-days. */
export const TOLERATED_PER_1000 = 1;

/** The rate at which the goals are asked for, with its verdict. */
export function falseVerdict({ allHonest, equalShares: equal }: Pick<Report, 'allHonest' | 'equalShares'>): string {
  const rate = allHonest.per1000.MEDIUM;
  return `${number(rate, 2)} false findings of MEDIUM and above per 1,000 honest session-days (${allHonest.findings.MEDIUM} on ${count(allHonest.sessionDays)}; at most ${number(allHonest.upper1000, 2)} with 95% confidence), ${number(equal, 2)} with every honest kind counted alike; asked ≤ ${TOLERATED_PER_1000}: ${rate <= TOLERATED_PER_1000 ? 'met' : 'NOT MET'}`;
}

export function textOf(outcomes: readonly SessionOutcome[]): string {
  const report = reportOf(outcomes);
  const piloted = outcomes.filter((session) => session.remote);
  const kinds = [...Map.groupBy(piloted, (session) => session.personKind)].toSorted(([a], [b]) => (a < b ? -1 : 1));
  const farhand = recallOfSessions('farhand', piloted);
  return [
    'Goals (recall at ≥ MEDIUM; people rows count people)',
    aligned(goalRows(report.goals)),
    '',
    'False findings on honest sessions',
    aligned(falseRows([...report.honest, report.allHonest])),
    falseVerdict(report),
    '',
    'Piloted sessions and people by kind and mode',
    aligned([
      ['kind', 'sessions', 'any', '≥ MEDIUM', '≥ HIGH', 'typing min', 'people', 'any', '≥ MEDIUM'],
      ...kinds.map(([kind, sessions]) => {
        const { total, found, medianTime } = recallOfSessions(kind, sessions);
        const people = recallOfPeople(kind, sessions);
        return [kind, String(total), percent(found.any / total), percent(found.MEDIUM / total), percent(found.HIGH / total), number(medianTime.MEDIUM, 1), String(people.total), percent(people.found.any / people.total), percent(people.found.MEDIUM / people.total)];
      }),
    ]),
    '',
    'Side by side',
    aligned([
      ['detector', 'piloted sessions', 'per 1,000 honest session-days'],
      ['farhand, any', percent(farhand.found.any / Math.max(1, farhand.total)), number(report.allHonest.per1000.any, 1)],
      ['farhand, ≥ MEDIUM', percent(farhand.found.MEDIUM / Math.max(1, farhand.total)), number(report.allHonest.per1000.MEDIUM, 1)],
      ...report.rules.map(({ rule, recall, per1000 }) => [rule, percent(recall), number(per1000, 1)]),
    ]),
    '',
    `Area under the ROC curve of the combined strength, all kinds: ${report.areaUnderRoc.toFixed(3)}`,
    distanceText(report.distance),
  ].join('\n');
}

export function distanceText({ sessions, covered, interval, widthKm, naiveWidthKm, errorKm }: DistanceScore, what: 'sessions' | 'pairs of places that were not fitted' = 'sessions'): string {
  const share = sessions === 0 ? null : covered / sessions;
  const narrower = widthKm === null || naiveWidthKm === null ? null : widthKm / naiveWidthKm;
  return `Operator distance: ${percent(share)} of ${count(sessions)} ${what} covered (${percent(interval[0])}–${percent(interval[1])}, asked ≥ 90%); median width ${number(widthKm)} km, ${percent(narrower)} of the naive ${number(naiveWidthKm)} km (asked ≤ 50%); median error of the likely distance ${number(errorKm)} km`;
}

/** The measured rate of false findings against the promised one. */
export function promiseFigures({ promisedPer1000, all }: Pick<PromiseResult, 'promisedPer1000' | 'all'>): string {
  const measured = all.per1000.MEDIUM;
  const { lower, upper } = poissonInterval(all.findings.MEDIUM);
  const per1000 = (n: number): string => number((1000 * n) / all.sessionDays, 3);
  const verdict = `promised ≤ ${promisedPer1000}: ${measured <= promisedPer1000 ? 'kept' : 'BROKEN'} (promised ÷ the interval’s upper end: ${number(promisedPer1000 / ((1000 * upper) / all.sessionDays), 1)})`;
  return `${number(measured, 3)} false findings of MEDIUM and above per 1,000 honest session-days (${all.findings.MEDIUM} on ${count(all.sessionDays)}; 95%: ${per1000(lower)}–${per1000(upper)}); ${verdict}`;
}

export const promiseText = (result: PromiseResult): string => [aligned(falseRows([...result.kinds, result.all])), '', `Measured ${promiseFigures(result)}`].join('\n');

/** One row per signal that was left out; only the goals whose recall moves. */
export function ablationText(rows: readonly AblationRow[]): string {
  const [all] = rows;
  const titles = Object.keys(all!.recall).filter((title) => rows.some((row) => Math.abs(row.recall[title]! - all!.recall[title]!) >= 0.005));
  return [
    'Left out: mean recall over the goals, false findings ≥ MEDIUM per 1,000 honest session-days, and the goals that move',
    ...rows.map((row) => {
      const moves = titles.filter((title) => row.without !== null && Math.abs(row.recall[title]! - all!.recall[title]!) >= 0.005).map((title) => `${title} ${percent(all!.recall[title]!)} → ${percent(row.recall[title]!)}`);
      return `${(row.without ?? 'nothing').padEnd(18)} ${percent(row.meanRecall).padStart(4)} ${number(row.per1000, 1).padStart(6)}  ${moves.join('; ')}`;
    }),
  ].join('\n');
}
