import { describe, expect, it } from 'vitest';
import { ablationOf } from '../ablation.ts';
import { HONEST_CASES, PILOTED_CASES } from '../cases/kinds.ts';
import { GOALS } from '../goals.ts';
import type { SessionOutcome } from '../outcome.ts';
import { falseFindings } from '../summary.ts';
import { pageOf } from './page.ts';
import { distancePicture, falseFindingsPicture, precisionPicture, recallByLeg, rocPicture, timePicture } from './pictures.ts';
import { BEGIN, END, readmeWith } from './readme.ts';
import { GOAL_REASONS, HONEST_REASONS } from './reasons.ts';
import { reportOf } from '../table.ts';

const sighted = { typingMin: 4, at: 10 };

function session(n: number, kind: string, change: Partial<SessionOutcome>): SessionOutcome {
  return {
    tenantId: 't', sessionId: `s${n}`, userId: `u${n}`, kind, personKind: kind, remote: false, startsAt: 0, days: [0], legMs: 0, operatorKm: null, typingMin: 60,
    found: [null, null, null], findings: [0, 0, 0], strength: n % 3, held: {}, distanceKm: null, rules: {}, told: [], ...change,
  };
}

const honest = Object.keys(HONEST_CASES).flatMap((kind, i) => [0, 1].map((k) => session(100 + 2 * i + k, kind, { findings: [0, kind === 'slow-pc' ? 1 : 0, 0], told: [k === 0 ? 'hiddenLeg 3.30: late' : 'onset 4.10: later'] })));
const piloted = Object.keys(PILOTED_CASES).flatMap((kind, i) =>
  [0, 1, 2].map((k) => session(500 + 3 * i + k, `${kind}@first`, { remote: true, legMs: 30 + 20 * k, operatorKm: 3000, distanceKm: { lower: 100, likely: 1000, upper: 5000 }, found: k === 0 ? [null, null, null] : [sighted, sighted, null], rules: { 'gap > 25 ms': sighted } })),
);
// Kinds are not all equally many.
const sessions = [...honest, session(900, 'plain', {}), ...piloted];

describe('the page', () => {
  const page = pageOf({ command: 'npm run evaluate', rules: { name: 'r', version: '1', hash: 'abcdef012345' }, events: 7, revision: 'abc1234', sessions, uncoupled: piloted.map((outcome) => ({ ...outcome, found: [null, null, null] })), ablation: { ablation: ablationOf(sessions, { hiddenLeg: [] }), revision: 'aaa1111', sessions }, promise: { events: 1, people: 2, promisedPer1000: 5, kinds: [], all: falseFindings('all honest', honest), revisions: ['def5678'] }, crossFitted: { sessions: 10, covered: 9, interval: [0.6, 1], widthKm: 4000, naiveWidthKm: 10_000, errorKm: 700 } });

  it('names every honest kind with its rate, every piloted kind, and every goal', () => {
    for (const kind of Object.keys(HONEST_CASES)) expect(page).toMatch(new RegExp(`\\| ${kind} \\| ${kind === 'plain' ? 3 : 2} \\|`));
    for (const kind of Object.keys(PILOTED_CASES)) expect(page).toContain(`| ${kind}@first | 3 |`);
    for (const { title } of GOALS) expect(page).toContain(title);
  });

  it('says what falls short with the reason, and that a promise was broken', () => {
    const short = page.slice(page.indexOf('## What falls short'));
    expect(short.toLowerCase()).toContain(GOAL_REASONS['proxy, hidden leg ≥ 80 ms']!.toLowerCase());
    expect(short).toContain(`**slow-pc**: 1000.0 findings of MEDIUM and above per 1,000 session-days (2 on 2; the strongest signal was hiddenLeg 1, onset 1). A constant extra delay`);
    expect(short).not.toContain('**plain**');
    expect(page).toContain('promised ≤ 5: BROKEN');
    expect(page).toContain('90% of 10 pairs of places that were not fitted covered');
  });

  it('says whether the rate that the goals are asked at was kept, pooled and over kinds', () => {
    // One kind of 22 has 1,000 of 1,000; 6.296 is the 95% bound of a Poisson mean with two seen.
    expect(page).toContain('44.44 false findings of MEDIUM and above per 1,000 honest session-days (2 on 45; at most 139.91 with 95% confidence), 45.45 with every honest kind counted alike; asked ≤ 1: NOT MET');
  });

  it('says what is left where no interval shows a leg', () => {
    expect(page).toContain('| proxy, 25–40 ms | 67% | NOT MET | 0% | NOT MET | ≥ 70% |');
    expect(page).toContain('| proxy, 15–25 ms | 67% | met | 0% | NOT MET | ≥ 50% |');
    const [, met] = /\*\*(\d+) of 13 goals are met/.exec(page)!;
    expect(page).toContain(`Then ${Number(met) - 1} of 13 goals would be met`);
  });

  it('has a reason for every goal', () => {
    expect(Object.keys(GOAL_REASONS).toSorted()).toEqual(GOALS.map(({ title }) => title).toSorted());
    for (const kind of Object.keys(HONEST_REASONS)) expect(HONEST_CASES).toHaveProperty(kind);
  });
});

describe('README’s part', () => {
  const all = falseFindings('all honest', honest);
  const input = { report: reportOf(sessions), uncoupled: piloted.map((outcome) => ({ ...outcome, found: [null, null, null] })), promise: { events: 1, people: 2, promisedPer1000: 5, kinds: [], all, revisions: [] } };

  it('stands between its marks and leaves the rest alone', () => {
    const written = readmeWith(`# Before\n\n${BEGIN}\nold\n${END}\n\n## After\n`, input);
    expect(written.startsWith(`# Before\n\n${BEGIN}\n**`)).toBe(true);
    expect(written.endsWith(`\n${END}\n\n## After\n`)).toBe(true);
    expect(written).not.toContain('old');
    expect(readmeWith(written, input)).toBe(written);
    expect(() => readmeWith('# No marks\n', input)).toThrow('README.md has no <!-- evaluation');
  });

  it('says each goal with its verdict, whether the rate was kept, who is accused, and what is left without the coupling', () => {
    const part = readmeWith(`${BEGIN}\n${END}`, input);
    for (const { title } of GOALS) expect(part).toContain(`| ${title} |`);
    expect(part).toContain('| proxy, 25–40 ms | 67% of 3 sessions | ≥ 70% | NOT MET | 67% | – | 67% |');
    expect(part).toContain('asked ≤ 1: NOT MET');
    expect(part).toContain('21 of the 22 honest kinds had none at MEDIUM or above; slow-pc 1000.0.');
    expect(part).toContain('0% (15–25 ms)');
  });
});

describe('the pictures', () => {
  const kinds = [...Map.groupBy(honest, ({ kind }) => kind)].map(([kind, own]) => falseFindings(kind, own));
  const pictures = { recall: recallByLeg(sessions), honest: falseFindingsPicture(kinds), roc: rocPicture(sessions), precision: precisionPicture(sessions), time: timePicture(sessions), distance: distancePicture(sessions) };

  it.each(Object.entries(pictures))('%s is closed, has numbers only, and colours for dark pages', (_, svg) => {
    expect(svg).not.toMatch(/NaN|undefined|Infinity/);
    expect(svg).toContain('prefers-color-scheme:dark');
    for (const tag of ['text', 'svg', 'style', 'title', 'desc']) expect(svg.split(`<${tag}`).length).toBe(svg.split(`</${tag}>`).length);
    const coordinates = [...svg.matchAll(/ (?:cx|cy|x|y)="(-?[\d.]+)"/g)].map((match) => Number(match[1]));
    expect(coordinates.length).toBeGreaterThan(10);
    expect(Math.min(...coordinates)).toBeGreaterThanOrEqual(0);
  });

  it('show what is there even where a kind was never found', () => {
    const none = sessions.map((outcome) => ({ ...outcome, found: [null, null, null], distanceKm: null }));
    for (const svg of [recallByLeg(none), timePicture(none), distancePicture(none), rocPicture(none)]) expect(svg).not.toMatch(/NaN|undefined/);
  });
});
