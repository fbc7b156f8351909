/** docs/evaluation.md out of what was measured. */
import { HONEST_CASES, PILOTED_CASES } from '../cases/kinds.ts';
import type { AblationRow } from '../ablation.ts';
import type { DistanceScore } from '../distance.ts';
import { distanceText, falseRows, goalRows, number, percent, promiseText, reportOf, type Report, type Rows } from '../table.ts';
import type { SessionOutcome } from '../outcome.ts';
import { PROMISE_SESSION_DAYS } from '../options.ts';
import type { PromiseResult } from '../stages.ts';
import { recallOfPeople, recallOfSessions } from '../summary.ts';
import { GOAL_REASONS, HONEST_REASONS } from './reasons.ts';

export interface PageInput {
  /** The command that measured this, as it was given. */
  command: string;
  rules: { name: string; version: string; hash: string };
  events: number;
  /** Of the sources that the cases were measured on. */
  revision: string;
  sessions: readonly SessionOutcome[];
  ablation: readonly AblationRow[];
  ablationRevision: string;
  promise: PromiseResult;
  /** Of the told distance on measured pairs of places that were not fitted. */
  crossFitted: DistanceScore;
}

const PICTURES = 'pictures/evaluation';
const TOLERATED_PER_1000 = 1;

function markdown(rows: Rows): string {
  const [head, ...body] = rows;
  const cells = (row: readonly string[]): string => `| ${row.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  return [cells(head!), `| --- |${' ---: |'.repeat(head!.length - 1)}`, ...body.map(cells)].join('\n');
}

const sentence = (reason = ''): string => reason.slice(0, 1).toUpperCase() + reason.slice(1);

const picture = (name: string, alternative: string): string => `![${alternative}](${PICTURES}-${name}.svg)`;

function inShort({ sessions, events, rules, command, revision }: PageInput, report: Report): string[] {
  const met = report.goals.filter((goal) => goal.met).length;
  const people = new Set(sessions.map(({ tenantId, userId }) => `${tenantId}|${userId}`)).size;
  return [
    '# How well Farhand finds, and whom it bothers',
    '',
    `Written by \`${command}\`; the figures are what that command measured at revision \`${revision}\`, with the rules \`${rules.name}\` ${rules.version} (hash \`${rules.hash.slice(0, 12)}\`). ${sessions.length.toLocaleString('en-US')} sessions of ${people.toLocaleString('en-US')} people, ${events.toLocaleString('en-US')} events, went through the product’s own ingest, enrich and detect. The sessions are built from real typing and real round trips of people, places and paths that detection was not tuned on (the test half; what was fitted to all of the data is said below). Most of the honest people are of *hard* kinds, far more than in any company.`,
    '',
    '## In short',
    '',
    `${met} of ${report.goals.length} goals are met. On all honest kinds together there were ${number(report.allHonest.per1000.MEDIUM, 1)} findings of MEDIUM and above per 1,000 session-days (${report.allHonest.findings.MEDIUM} on ${report.allHonest.sessionDays.toLocaleString('en-US')}; at most ${number(report.allHonest.upper1000, 1)} with 95% confidence); the goals ask for ≤ ${TOLERATED_PER_1000}.`,
    '',
    'Recall is of piloted sessions found at MEDIUM or above, in the rows that give days of piloted people; the last row asks for LOW at most. “After history”: people who worked honestly for three days before; “from first”: people piloted from their first session, of whom no honest day was ever seen.',
    '',
    markdown(goalRows(report.goals)),
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
    'A session-day is one session of one person on one UTC day. A finding counts once, by the highest severity that it reached. The bound is the one-sided 95% upper bound of the rate at MEDIUM and above.',
    '',
    markdown(falseRows([...report.honest, report.allHonest])),
    '',
    ...Object.entries(HONEST_CASES).map(([kind, what]) => `- \`${kind}\`: ${what}.`),
    '- `before`: the honest days of people who are piloted later.',
    '',
    '### The promise',
    '',
    `The operator of the pipeline sets how many false findings of MEDIUM and above are tolerated per 1,000 honest session-days. Checked on ${promise.all.sessionDays.toLocaleString('en-US')} honest session-days of ${promise.people.toLocaleString('en-US')} people of every honest kind, in the shares that an ordinary company may have of them, half an hour of typing a day, in ${promise.events.toLocaleString('en-US')} events (revision ${promise.revisions.map((name) => `\`${name}\``).join(', ')}):`,
    '',
    ...(promise.all.sessionDays < PROMISE_SESSION_DAYS ? [`These are fewer than the ${PROMISE_SESSION_DAYS.toLocaleString('en-US')} that \`npm run evaluate -- --promise\` runs.`, ''] : []),
    `**${promiseText(promise).split('\n').at(-1)!}.**`,
    '',
    markdown(falseRows([...promise.kinds, promise.all])),
    '',
  ];
}

function compared({ sessions, ablation, ablationRevision, crossFitted }: PageInput, report: Report): string[] {
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
      ['Farhand, ≥ MEDIUM', percent(farhand.found.MEDIUM / farhand.total), number(report.allHonest.per1000.MEDIUM, 1)],
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
    `Measured on a smaller set (revision \`${ablationRevision}\`), with one signal left out at a time: mean of the goals’ recall, and false findings of MEDIUM and above per 1,000 honest session-days.`,
    '',
    markdown([['left out', 'mean recall', 'change', 'per 1,000', 'change'], ...ablation.map((row) => [row.without ?? 'nothing', percent(row.meanRecall), row.without === null ? '' : `${number(100 * (row.meanRecall - all!.meanRecall), 0)} points`, number(row.per1000, 1), row.without === null ? '' : number(row.per1000 - all!.per1000, 1)])]),
    '',
  ];
}

function shortcomings(report: Report): string[] {
  const missed = report.goals.filter((goal) => !goal.met);
  const accused = report.honest.filter(({ per1000 }) => per1000.MEDIUM > TOLERATED_PER_1000);
  return [
    '## What falls short, and why',
    '',
    ...(missed.length === 0 ? ['Every goal is met.'] : missed.map(({ goal, share, medianTime }) => `- **${goal.title}**: ${percent(share)} found (asked ≥ ${percent(goal.recall)}), median ${number(medianTime, 1)} ${goal.of === 'people' ? 'days' : 'minutes of typing'} (asked ≤ ${goal.within}). ${sentence(GOAL_REASONS[goal.title])}`)),
    '',
    ...(accused.length === 0 ? ['No honest kind was accused at MEDIUM or above more than once in 1,000 session-days.'] : accused.map(({ kind, per1000, findings, sessionDays }) => `- **${kind}**: ${number(per1000.MEDIUM, 1)} findings of MEDIUM and above per 1,000 session-days (${findings.MEDIUM} on ${sessionDays}). ${sentence(HONEST_REASONS[kind])}`)),
    '',
    'What tells a short leg from a slow machine without any history is the jitter that its latencies and its intervals share. Sessions are built so, as a sensor on the workstation must see it (one delay of the leg for each key, half of it before the press), but no recording here holds a leg; `npm run evaluate -- --uncoupled` shows what would be left if intervals did not show it.',
    '',
    'Two-clock sensors hide every leg that is shorter than their clock error; a finding about such a session says so and claims nothing below it.',
    '',
  ];
}

const officer = ({ promise }: PageInput, report: Report): string[] => [
  '## For the data-protection officer',
  '',
  '- **What is looked at.** When keys are pressed and released, never which; addresses and round trips of the connection; names of remote-control software; USB identifiers of keyboards and displays. No text, no screen, no location service.',
  `- **How often an honest person is bothered.** Of 1,000 working sessions of honest people, ${number(report.allHonest.per1000.any, 0)} led to a finding of any severity in this evaluation and ${number(report.allHonest.per1000.MEDIUM, 1)} to one of MEDIUM or above, from which a second look is recommended. Most people here are of kinds that are hard on purpose; for plain people at their own desk it was ${number(report.honest.find(({ kind }) => kind === 'plain')?.per1000.MEDIUM ?? 0, 1)}, and among people in the shares of an ordinary company (the promise, above) ${number(promise.all.per1000.any, 0)} and ${number(promise.all.per1000.MEDIUM, 1)}.`,
  '- **Who is bothered more.** The table above names every kind. People with satellite links, slow machines, accessibility tools or unusual hours must not carry the cost of a circumstance that is no fault of theirs: read their rows before you set the tolerated rate, and declare company gateways, hosted desktops, approved tools and business trips, for each of those takes a reason for a false finding away.',
  '- **How people type** is compared by quantiles of timing, from which no text can be recovered. A rhythm unlike the enrolled one never opens more than a LOW finding by itself.',
  '- **A finding is not a verdict.** Each carries the observed value, the expected one, their unit and the number of samples in a sentence per piece of evidence, so that the person concerned and whoever speaks for them can recompute and contest it. An analyst’s BENIGN verdict closes it.',
  '',
];

const METHOD = [
  '## How the sessions are built',
  '',
  '- **Typing**: the Aalto sub-sample (Dhakal et al., CHI 2018), played back in its own order, by hands that nobody else of the tenant has; each day a person types other sentences a little faster or slower. The raster of the recording’s clock is taken out, and the raster of the workstation’s clock is put on whoever types there.',
  '- **Ways**: measured round trips between the regions of two clouds (GCP, Azure), plus a last mile of 2–25 ms. A hidden leg is the measured way between the operator’s place and the workstation’s, plus the operator’s last mile.',
  '- **Movement**: each line, visible or hidden, carries a recorded movement of its own: direct calls (OnionRTC) for homes, personal devices (Seattle) for heavy lines, route changes out of server matrices at three moments (PlanetLab), jitter from packet to packet, and losses sent again after a timeout that the smoothed round trip does not count. A third of the operators sits on a calm line, which tells least.',
  '- **Machines**: nobody has published long series of what office machines add, so these are models, wide on purpose: an idle delay of 0.3–8.5 ms (rttgap’s direct echoes), a quarter with a display frame of 16.7 ms, load that wanders and bursts and stretches the *floor* of the delay; slow ones of 20–70 ms, a third of them constant.',
  '- **Addresses** come from the IP databases that enrich reads, with their errors. Identifiers, hops and working hours are simulated.',
  '- **Halves**: people, places and recorded paths each fall into a development or a test half by a hash of their name. This page is the test half; detection was tuned on the development half. Three things were fitted to all of the data, and are marked where they matter: the reach of real paths (judged above on places left out), and the nulls of the two rhythm signals. The spread of rhythms within a person and the likeness of hands are of the development half; how much times are spread out before hands are compared was chosen with an eye on both halves’ typists. While detection was worked on, the figures of this page were printed anew some twenty times, and six times it was looked at who is missed and who accused: that led to one change being taken back (a steeper prior for hosted desktops), to even ends of the ring, and to two causes of false findings (gateways of known providers, strangers at one simulated address). It is not wholly untouched.',
  '',
  'What this cannot show: people copied sentences and did not compose; 15 sentences a person are typed again and again, so that rhythm is steadier than in life; machines are modelled; recorded movements are minutes to an hour long and repeat; nobody here tries to evade the detector (`npm run evasion` measures that).',
  '',
];

export function pageOf(input: PageInput): string {
  const report = reportOf(input.sessions);
  return [...inShort(input, report), ...recall(input), ...bothered(input, report), ...compared(input, report), ...shortcomings(report), ...officer(input, report), ...METHOD].join('\n');
}
