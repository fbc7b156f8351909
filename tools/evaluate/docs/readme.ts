/** README's part of the evaluation, between two marks: the goals, and whom it bothers, in short. */
import { FarhandError } from '#lib/kernel/errors.ts';
import { BEFORE } from '../cases/kinds.ts';
import { goalsUnder } from '../goals.ts';
import type { SessionOutcome } from '../outcome.ts';
import type { PromiseResult } from '../stages.ts';
import { falseVerdict, number, percent, promiseFigures, type Report, verdictOf } from '../table.ts';
import { markdown } from './markdown.ts';

export const BEGIN = '<!-- evaluation: written by npm run evaluate -- --write-docs -->';
export const END = '<!-- /evaluation -->';

export interface ReadmeInput {
  report: Report;
  /** The proxies, with legs that no interval shows. */
  uncoupled: readonly SessionOutcome[];
  promise: PromiseResult;
}

/** README with the part between the marks written anew. @throws FarhandError where a mark is missing */
export function readmeWith(readme: string, input: ReadmeInput): string {
  const [from, to] = [readme.indexOf(BEGIN), readme.indexOf(END)];
  if (from < 0 || to < from) throw new FarhandError('FARHAND_USAGE', `README.md has no ${BEGIN} … ${END}`);
  return `${readme.slice(0, from + BEGIN.length)}\n${partOf(input)}\n${readme.slice(to)}`;
}

function partOf({ report, uncoupled, promise }: ReadmeInput): string {
  const met = report.goals.filter((goal) => goal.met).length;
  const rows = report.goals.map(({ goal, share, recall, byMode, met: kept }) => [
    goal.title, `${percent(share)} of ${recall.total} ${goal.of}${goal.level === 'LOW' ? ' (LOW)' : ''}`, `≥ ${percent(goal.recall)}`, verdictOf({ goal, recall, met: kept }), percent(recall.found.any / recall.total), percent(byMode.history), percent(byMode.first),
  ]);
  return [
    `**${met} of ${report.goals.length} goals are met**, by the measured figure itself:`,
    '',
    markdown([['kind', 'found at MEDIUM or above', 'asked', '', 'at any level', 'after an honest history', 'from the first session'], ...rows]),
    '',
    ...bothered(report, promise),
    ...left(report, uncoupled),
  ].join('\n');
}

function bothered(report: Report, promise: PromiseResult): string[] {
  const kinds = report.honest.filter(({ kind }) => kind !== BEFORE);
  const accused = kinds.filter(({ findings }) => findings.MEDIUM > 0);
  const often = kinds.toSorted((a, b) => b.per1000.any - a.per1000.any).slice(0, 4);
  const rules = ['latency > 110 ms', 'gap > 25 ms'].map((name) => report.rules.find(({ rule }) => rule === name));
  return [
    `**Whom it bothers**: ${falseVerdict(report)} (a fixed 110 ms cut: ${number(rules[0]?.per1000 ?? null)}; “gap > 25 ms”: ${number(rules[1]?.per1000 ?? null)}).`,
    `${kinds.length - accused.length} of the ${kinds.length} honest kinds had none at MEDIUM or above; ${accused.map(({ kind, per1000 }) => `${kind} ${number(per1000.MEDIUM, 1)}`).join(', ')}. At any level it is ${number(report.allHonest.per1000.any, 0)} of 1,000, most`,
    `for ${often.map(({ kind, per1000 }) => `${kind} (${number(per1000.any, 0)})`).join(', ')}. Among people in the shares of an ordinary company, who type for half an hour a day: ${promiseFigures(promise)}; the`,
    'setting (`fusion.toleratedPer1000`) is what an operator tolerates, the goals above ask for less of harder people.',
    '',
  ];
}

function left(report: Report, uncoupled: readonly SessionOutcome[]): string[] {
  const { rows, met } = goalsUnder(report.goals, uncoupled);
  if (rows.length === 0) return [];
  return [
    'The short legs rest on jitter that a leg puts into latencies *and* intervals, which the built sessions show as a sensor on the workstation must see it and',
    `no recording confirms. If intervals did not show it, ${rows.map(({ left: { goal, share } }) => `${percent(share)} (${goal.title.replace('proxy, ', '')})`).join(', ')} would be found, and ${met} goals met.`,
  ];
}
