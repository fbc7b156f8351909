/** docs/evaluation.md out of what was measured. */
import { HONEST_CASES, PILOTED_CASES } from '../cases/kinds.ts';
import type { DistanceScore } from '../distance.ts';
import { goalsUnder } from '../goals.ts';
import { count, distanceText, falseRows, falseVerdict, goalRows, number, percent, promiseFigures, reportOf, type Report, TOLERATED_PER_1000, verdictOf } from '../table.ts';
import type { SessionOutcome } from '../outcome.ts';
import { PROMISE_SESSION_DAYS } from '../options.ts';
import type { CasesResult, PromiseResult } from '../stages.ts';
import { carriersOf, falseFindings, recallOfPeople, recallOfSessions } from '../summary.ts';
import { markdown } from './markdown.ts';
import { METHOD } from './method.ts';
import { GOAL_REASONS, HONEST_REASONS } from './reasons.ts';

export interface PageInput {
  /** The command that measured this, as it was given. */
  command: string;
  rules: { name: string; version: string; hash: string };
  events: number;
  /** Of the sources that the cases were measured on. */
  revision: string;
  sessions: readonly SessionOutcome[];
  /** The proxies, with legs that no interval shows. */
  uncoupled: readonly SessionOutcome[];
  ablation: Pick<CasesResult, 'ablation' | 'revision' | 'sessions'>;
  promise: PromiseResult;
  /** Of the told distance on measured pairs of places that were not fitted. */
  crossFitted: DistanceScore;
}

const PICTURES = 'pictures/evaluation';

const sentence = (reason = ''): string => reason.slice(0, 1).toUpperCase() + reason.slice(1);

const picture = (name: string, alternative: string): string => `![${alternative}](${PICTURES}-${name}.svg)`;

function inShort({ sessions, events, rules, command, revision }: PageInput, report: Report): string[] {
  const met = report.goals.filter((goal) => goal.met).length;
  const people = new Set(sessions.map(({ tenantId, userId }) => `${tenantId}|${userId}`)).size;
  const piloted = sessions.filter(({ remote }) => remote).length;
  return [
    '# How well Farhand finds, and whom it bothers',
    '',
    `Written by \`${command}\`; the figures are what that command measured at revision \`${revision}\`, with the rules \`${rules.name}\` ${rules.version} (hash \`${rules.hash.slice(0, 12)}\`). ${count(sessions.length)} sessions of ${count(people)} people went through the product’s own ingest, enrich and detect, ${count(events)} events: ${count(piloted)} piloted ones, and ${count(sessions.length - piloted)} honest ones on ${count(report.allHonest.sessionDays)} session-days (one that goes on over midnight UTC counts for two). The sessions are built from real typing and real round trips of people, places and paths that detection was not tuned on, though it was looked at more than once ([what that did](#how-the-sessions-are-built)). Most of the honest people are of *hard* kinds, far more than in any company.`,
    '',
    '## In short',
    '',
    `**${met} of ${report.goals.length} goals are met**, by the measured figure itself (its interval stands beside it). They are asked for at a low rate of false accusations, over honest people of all kinds together: ${falseVerdict(report)}.`,
    '',
    'Recall is of piloted sessions found at MEDIUM or above, in the rows that give days of piloted people; the last row asks for LOW at most. “After history”: people who worked honestly for three days before; “from first”: people piloted from their first session, of whom no honest day was ever seen.',
    '',
    markdown(goalRows(report.goals)),
    '',
  ];
}

/** What is left of the proxies where no interval shows the leg; nothing where that was not measured. */
function uncoupledRows({ uncoupled }: PageInput, report: Report): string[] {
  const { rows, met } = goalsUnder(report.goals, uncoupled);
  if (rows.length === 0) return [];
  return [
    'The short legs rest on an assumption: a leg’s jitter is in the latencies *and* in the intervals between presses, as a sensor on the workstation must see it, but no recording here holds a leg. If intervals did not show it:',
    '',
    markdown([['goal', 'as built', '', 'no interval shows the leg', '', 'asked'], ...rows.map(({ left, built }) => [left.goal.title, percent(built.share), verdictOf(built), percent(left.share), verdictOf(left), `≥ ${percent(left.goal.recall)}`])]),
    '',
    `Then ${met} of ${report.goals.length} goals would be met (the command above measures both; \`npm run evaluate -- --uncoupled\` the second alone).`,
    '',
  ];
}

function recall({ sessions }: PageInput): string[] {
  const kinds = [...Map.groupBy(sessions.filter((session) => session.remote), (session) => session.personKind)].toSorted(([a], [b]) => (a < b ? -1 : 1));
  const rows = kinds.map(([kind, own]) => {
    const bySession = recallOfSessions(kind, own);
    const people = recallOfPeople(kind, own);
    const share = (n: number, total: number): string => percent(n / total);
    return [kind, String(bySession.total), share(bySession.found.any, bySession.total), share(bySession.found.MEDIUM, bySession.total), share(bySession.found.HIGH, bySession.total), number(bySession.medianTime.MEDIUM, 1), String(people.total), share(people.found.any, people.total), share(people.found.MEDIUM, people.total)];
  });
  return [
    '## What is found',
    '',
    picture('recall', 'Share of proxies found against the length of the hidden leg, beside simple rules'),
    '',
    picture('time', 'Cumulative share of sessions found against minutes of typing'),
    '',
    'Every piloted kind, sessions and people, by mode (minutes of typing until MEDIUM, median of those found):',
    '',
    markdown([['kind', 'sessions', 'any', '≥ MEDIUM', '≥ HIGH', 'minutes', 'people', 'any', '≥ MEDIUM'], ...rows]),
    '',
    ...Object.entries(PILOTED_CASES).map(([kind, what]) => `- \`${kind}\`: ${what}.`),
    '',
  ];
}

function bothered({ promise }: PageInput, report: Report): string[] {
  return [
    '## Whom it bothers',
    '',
    picture('honest', 'False findings per 1,000 session-days by honest kind'),
    '',
    'A session-day is one session of one person on one UTC day. A finding counts once, by the highest severity that it reached. The bound is the one-sided 95% upper bound of the rate at MEDIUM and above. People here type for most of an hour a day; 3 of 100 honest people have a KVM switch, and 3 of 10,000 what a network KVM is made of, which alone is MEDIUM: assumptions both, and the second costs about as much as it says, 0.3 findings per 1,000 session-days.',
    '',
    markdown(falseRows([...report.honest, report.allHonest])),
    '',
    ...Object.entries(HONEST_CASES).map(([kind, what]) => `- \`${kind}\`: ${what}.`),
    '- `before`: the honest days of people who are piloted later.',
    '',
    '### The promise',
    '',
    `The operator of the pipeline sets how many false findings of MEDIUM and above are tolerated per 1,000 honest session-days. Checked on ${count(promise.all.sessionDays)} honest session-days of ${count(promise.people)} people of every honest kind, in the shares that an ordinary company may have of them, half an hour of typing a day (half of what the table above has, and over more days, so that more of them have a history: the rates of a kind differ for both reasons), in ${count(promise.events)} events (revision ${promise.revisions.map((name) => `\`${name}\``).join(', ')}):`,
    '',
    ...(promise.all.sessionDays < PROMISE_SESSION_DAYS ? [`These are fewer than the ${count(PROMISE_SESSION_DAYS)} that \`npm run evaluate -- --promise\` runs.`, ''] : []),
    `**Measured ${promiseFigures(promise)}.**`,
    '',
    markdown(falseRows([...promise.kinds, promise.all])),
    '',
  ];
}

function compared({ sessions, ablation: { ablation, revision, sessions: fewer }, crossFitted }: PageInput, report: Report): string[] {
  const honest = falseFindings('honest', fewer.filter(({ remote }) => !remote));
  const farhand = recallOfSessions('farhand', sessions.filter((session) => session.remote));
  const [all] = ablation;
  return [
    '## Beside simple rules',
    '',
    'The same sessions, all piloted kinds and all honest kinds. A rule has no severity and no memory; it flags a session once.',
    '',
    markdown([
      ['detector', 'piloted sessions found', 'per 1,000 honest session-days'],
      ['Farhand, any severity', percent(farhand.found.any / farhand.total), number(report.allHonest.per1000.any, 1)],
      ['Farhand, ≥ MEDIUM', percent(farhand.found.MEDIUM / farhand.total), number(report.allHonest.per1000.MEDIUM, 2)],
      ...report.rules.map(({ rule, recall: share, per1000 }) => [rule, percent(share), number(per1000, 1)]),
    ]),
    '',
    picture('roc', 'ROC of the combined strength with the simple rules as points'),
    '',
    `Area under the curve over all kinds: ${report.areaUnderRoc.toFixed(3)}. The score is the greatest combined strength (log10) that a session ever held, whether or not a finding was opened.`,
    '',
    picture('precision', 'Precision against recall at a prevalence of one percent'),
    '',
    '## How far away the operator is',
    '',
    `- On measured pairs alone, the reach of real paths by the part of the world that they begin in, fitted anew without every eighth of the neighbourhoods (places within 700 km) and judged on the pairs that have an end in one of those, with a last mile of 1–18 ms and a machine of 0.3–8.5 ms: ${distanceText(crossFitted, 'pairs of places that were not fitted')}.`,
    `- In the findings of this page: ${distanceText(report.distance)}. What detection takes for the leg, and not only its reach, is in this figure; the shipped reach is fitted to all measured pairs. None of them has an end in Russia, Central Asia, inner China or North Korea: whoever comes from there over long detours may be nearer than the inner edge.`,
    '',
    'Naive is 0 … 99.93 km per millisecond of the hidden leg, at most half of the earth.',
    '',
    picture('distance', 'Told distance against the true distance'),
    '',
    '## What each signal is worth',
    '',
    `Measured on a smaller set (revision \`${revision}\`: ${count(fewer.length - honest.sessions)} piloted sessions, ${count(honest.sessionDays)} honest session-days), with one signal left out at a time: mean of the goals’ recall, and false findings of MEDIUM and above per 1,000 honest session-days. So small a set shows what the strong signals carry; 0 points is less than a session in a hundred, and says nothing of the rare case that a signal is there for.`,
    '',
    markdown([['left out', 'mean recall', 'change', 'per 1,000', 'change'], ...ablation.map((row) => [row.without ?? 'nothing', percent(row.meanRecall), row.without === null ? '' : `${number(100 * (row.meanRecall - all!.meanRecall), 0)} points`, number(row.per1000, 2), row.without === null ? '' : number(row.per1000 - all!.per1000, 2)])]),
    '',
  ];
}

function shortcomings(input: PageInput, report: Report): string[] {
  const missed = report.goals.filter((goal) => !goal.met);
  const accused = report.honest.filter(({ per1000 }) => per1000.MEDIUM > TOLERATED_PER_1000);
  return [
    '## What falls short, and why',
    '',
    ...(missed.length === 0 ? ['Every goal is met.'] : missed.map(({ goal, share, medianTime }) => `- **${goal.title}**: ${percent(share)} found (asked ≥ ${percent(goal.recall)}), median ${number(medianTime, 1)} ${goal.of === 'people' ? 'days' : 'minutes of typing'} (asked ≤ ${goal.within}). ${sentence(GOAL_REASONS[goal.title])}`)),
    '',
    ...(accused.length === 0 ? ['No honest kind was accused at MEDIUM or above more than once in 1,000 session-days.'] : accused.map(({ kind, per1000, findings, sessionDays }) => `- **${kind}**: ${number(per1000.MEDIUM, 1)} findings of MEDIUM and above per 1,000 session-days (${findings.MEDIUM} on ${sessionDays}; the strongest signal was ${carriersOf(input.sessions.filter((session) => !session.remote && session.kind === kind))}). ${sentence(HONEST_REASONS[kind])}`)),
    '',
    'Two-clock sensors hide every leg that is shorter than their clock error; a finding about such a session says so and claims nothing below it.',
    '',
  ];
}

const officer = ({ promise }: PageInput, report: Report): string[] => [
  '## For the data-protection officer',
  '',
  '- **What is looked at.** When keys are pressed and released, never which, and with it the hours at which somebody works; addresses, round trips and the path of the connection, and the places that databases give for them; the declared place and zone of work and where the workstation was sent; names of remote-control software; identifiers of attached input devices and displays; the clock’s zone. What is looked at for one person is compared with what colleagues show: gaps, addresses, and how they type. No text, no screen, no location service. [privacy.md](privacy.md) has all of it, with where it lies and for how long.',
  `- **How often an honest person is bothered.** Of 1,000 working sessions of honest people, ${number(report.allHonest.per1000.any, 0)} led to a finding of any severity in this evaluation and ${number(report.allHonest.per1000.MEDIUM, 2)} to one of MEDIUM or above, from which a second look is recommended. Most people here are of kinds that are hard on purpose; for plain people at their own desk it was ${number(report.honest.find(({ kind }) => kind === 'plain')?.per1000.MEDIUM ?? 0, 2)}, and among people in the shares of an ordinary company (the promise, above) ${number(promise.all.per1000.any, 0)} and ${number(promise.all.per1000.MEDIUM, 3)}.`,
  '- **Who is bothered more.** The table above names every kind. People with satellite links, slow machines, accessibility tools or unusual hours must not carry the cost of a circumstance that is no fault of theirs: read their rows before you set the tolerated rate, and declare company gateways, hosted desktops, approved tools and business trips, for each of those takes a reason for a false finding away.',
  '- **How people type** is kept of each person as quantiles of timing, in which no order of keys is left, and so no text. The telemetry itself, and dead letters, hold intervals and hold times in their order for as long as those topics keep them: researchers have guessed at passwords and words from such timing, so treat them as confidential. A rhythm unlike the enrolled one never opens more than a LOW finding by itself; a rhythm that several accounts share, which are never at work together, can open a MEDIUM one (`oneOperator`).',
  '- **A finding is not a verdict.** Each carries the observed value, the expected one, their unit and the number of samples in a sentence per piece of evidence, so that the person concerned and whoever speaks for them can recompute and contest it. An analyst’s BENIGN verdict closes it.',
  '',
];

export function pageOf(input: PageInput): string {
  const report = reportOf(input.sessions);
  return [...inShort(input, report), ...uncoupledRows(input, report), ...recall(input), ...bothered(input, report), ...compared(input, report), ...shortcomings(input, report), ...officer(input, report), ...METHOD].join('\n');
}
