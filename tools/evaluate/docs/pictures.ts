/** The pictures of docs/evaluation.md out of what was measured. */
import { baseKind, type FalseFindings, shareInterval } from '../summary.ts';
import type { SessionOutcome } from '../outcome.ts';
import { curve } from '../statistics.ts';
import { axes, legend, line, linear, logarithmic, percentTick, picture, type Plot, point, px, text, xOf, yOf } from './svg.ts';

const SHARES = [0, 0.2, 0.4, 0.6, 0.8, 1];
const LEG_EDGES = [15, 20, 25, 32, 40, 55, 80, 120, 180, 300] as const;
const LEG_TICKS = [15, 25, 40, 80, 150, 300];

const isProxy = ({ remote, personKind }: SessionOutcome): boolean => remote && personKind.startsWith('proxy-');

/** Share of proxies at or after the piloting's beginning, by bins of the hidden leg. */
function byLeg(sessions: readonly SessionOutcome[], found: (session: SessionOutcome) => boolean): { ms: number; share: number; interval: [number, number] }[] {
  const points: { ms: number; share: number; interval: [number, number] }[] = [];
  for (let i = 0; i + 1 < LEG_EDGES.length; i++) {
    const [low, high] = [LEG_EDGES[i]!, LEG_EDGES[i + 1]!];
    const inside = sessions.filter(({ legMs }) => legMs >= low && legMs < high);
    if (inside.length === 0) continue;
    const hits = inside.filter(found).length;
    points.push({ ms: Math.sqrt(low * high), share: hits / inside.length, interval: shareInterval(hits, inside.length) });
  }
  return points;
}

export function recallByLeg(sessions: readonly SessionOutcome[]): string {
  const plot: Plot = { left: 76, top: 48, width: 560, height: 270, x: logarithmic(14, 320, LEG_TICKS), y: linear(0, 1, SHARES) };
  const proxies = sessions.filter(isProxy);
  const atMedium = ({ found }: SessionOutcome): boolean => found[1] !== null;
  const rule = (name: string) => (session: SessionOutcome): boolean => (session.rules[name]?.at ?? -Infinity) >= session.startsAt;
  const series = [
    { name: 'after an honest history', color: 0, own: proxies.filter(({ personKind }) => personKind.endsWith('@history')), found: atMedium },
    { name: 'piloted from the first session', color: 1, own: proxies.filter(({ personKind }) => personKind.endsWith('@first')), found: atMedium },
    { name: 'rule: gap > 25 ms', color: 2, own: proxies, found: rule('gap > 25 ms'), dashed: true },
    { name: 'rule: latency > 110 ms', color: 4, own: proxies, found: rule('latency > 110 ms'), dashed: true },
  ];
  const body = axes(plot, { xLabel: 'hidden leg, ms of round trip', yLabel: 'sessions found', yTick: percentTick });
  for (const { own, found, color, dashed = false } of series) {
    const points = byLeg(own, found);
    body.push(line(plot, points.map(({ ms, share }) => [ms, share]), color, dashed));
    if (!dashed) for (const { ms, share, interval } of points) body.push(point(plot, [ms, share], color, interval));
  }
  body.push(...legend(664, 70, series));
  return picture({ width: 900, height: 380, title: 'Proxies found at MEDIUM or above, by the length of the hidden leg', description: 'Share of piloted sessions found against the hidden leg in milliseconds, with Wilson intervals, for people with and without an honest history, beside two simple rules.', body });
}

export function falseFindingsPicture(kinds: readonly FalseFindings[]): string {
  const rows = kinds.toSorted((a, b) => b.per1000.MEDIUM - a.per1000.MEDIUM || b.per1000.any - a.per1000.any);
  const height = 74 + rows.length * 22 + 46;
  const plot: Plot = { left: 180, top: 62, width: 600, height: rows.length * 22, x: logarithmic(0.3, 1000, [1, 3, 10, 30, 100, 300, 1000]), y: linear(0, 1, []) };
  const body: string[] = [];
  for (const tick of plot.x.ticks) {
    const x = xOf(plot, tick);
    body.push(`<path class="grid" d="M${px(x)} ${plot.top}V${plot.top + plot.height}"/>`, text(x, plot.top + plot.height + 18, String(tick), { anchor: 'middle', soft: true }));
  }
  rows.forEach(({ kind, per1000, upper1000 }, i) => {
    const y = plot.top + i * 22;
    const bar = (value: number, top: number, tall: number, color: number): string => (value <= 0 ? '' : `<rect class="f${color}" x="${plot.left}" y="${top}" width="${px(Math.max(2, xOf(plot, value) - plot.left))}" height="${tall}"/>`);
    body.push(text(plot.left - 8, y + 15, kind, { anchor: 'end' }), bar(per1000.any, y + 4, 7, 5), bar(per1000.MEDIUM, y + 11, 7, 1));
    body.push(`<path class="l4" stroke-width="2" d="M${px(xOf(plot, upper1000))} ${y + 3}v16"/>`);
  });
  body.push(`<path class="axis" d="M${plot.left} ${plot.top}V${plot.top + plot.height}"/>`);
  body.push(text(plot.left + plot.width / 2, plot.top + plot.height + 36, 'per 1,000 honest session-days (logarithmic; no bar: none was seen)', { anchor: 'middle' }));
  body.push(`<rect class="f5" x="180" y="38" width="22" height="9"/>`, text(208, 47, 'any severity'), `<rect class="f1" x="320" y="38" width="22" height="9"/>`, text(348, 47, 'MEDIUM or above'), `<path class="l4" stroke-width="2" d="M490 36v14"/>`, text(500, 47, '95% upper bound of MEDIUM or above'));
  return picture({ width: 820, height, title: 'False findings by honest kind', description: 'Bars of false findings per 1,000 honest session-days for each honest kind, at any severity and at MEDIUM or above.', body });
}

interface Family {
  name: string;
  color: number;
  holds: (kind: string) => boolean;
}

const FAMILIES: readonly Family[] = [
  { name: 'all piloted sessions', color: 0, holds: () => true },
  { name: 'proxies of 40 ms and more, remote desktops', color: 2, holds: (kind) => ['proxy-40-80', 'proxy-80', 'remote-desktop'].includes(kind) },
  { name: 'proxies below 40 ms', color: 1, holds: (kind) => ['proxy-15-25', 'proxy-25-40'].includes(kind) },
  { name: 'IP-KVM and account handover', color: 3, holds: (kind) => kind.startsWith('ip-kvm') || kind.startsWith('account-') },
];

export function rocPicture(sessions: readonly SessionOutcome[]): string {
  const plot: Plot = { left: 76, top: 48, width: 520, height: 300, x: logarithmic(0.0005, 1, [0.001, 0.01, 0.1, 1]), y: linear(0, 1, SHARES) };
  const honest = sessions.filter(({ remote }) => !remote).map(({ strength }) => strength);
  const body = axes(plot, { xLabel: 'honest sessions above the threshold (logarithmic)', yLabel: 'piloted sessions above it', yTick: percentTick, xTick: (share) => `${share * 100}%` });
  for (const { color, holds } of FAMILIES) {
    const own = sessions.filter((session) => session.remote && holds(baseKind(session.personKind))).map(({ strength }) => strength);
    if (own.length > 0) body.push(line(plot, [[0.0005, 0], ...curve(own, honest).map(({ falseShare, recall }): [number, number] => [falseShare, recall])], color));
  }
  const piloted = sessions.filter(({ remote }) => remote);
  const rules = [...new Set(sessions.flatMap(({ rules: own }) => Object.keys(own)))].toSorted();
  const marks = rules.map((rule, i) => {
    const recall = piloted.filter((session) => (session.rules[rule]?.at ?? -Infinity) >= session.startsAt).length / Math.max(1, piloted.length);
    const falseShare = sessions.filter((session) => !session.remote && session.rules[rule] !== undefined).length / Math.max(1, honest.length);
    const letter = String.fromCharCode(65 + i);
    body.push(point(plot, [falseShare, recall], 4), text(xOf(plot, falseShare) + 7, yOf(plot, recall) + 4, letter, { soft: true }));
    return `${letter}  ${rule}`;
  });
  body.push(...legend(620, 70, FAMILIES), text(620, 160, 'Simple rules, all piloted sessions:', { bold: true }), ...marks.map((mark, i) => text(620, 180 + 18 * i, mark)));
  return picture({ width: 930, height: 412, title: 'ROC of the combined strength, and where simple rules stand', description: 'Share of piloted sessions above a threshold of the combined strength against the share of honest sessions above it, for groups of kinds; simple rules as points.', body });
}

/** Share of the workforce that is piloted in the picture of precision and recall. */
const PREVALENCE = 0.01;

export function precisionPicture(sessions: readonly SessionOutcome[]): string {
  const plot: Plot = { left: 76, top: 48, width: 520, height: 270, x: linear(0, 1, SHARES), y: linear(0, 1, SHARES) };
  const honest = sessions.filter(({ remote }) => !remote).map(({ strength }) => strength);
  const body = axes(plot, { xLabel: 'recall', yLabel: 'precision', xTick: percentTick, yTick: percentTick });
  for (const { color, holds } of FAMILIES) {
    const own = sessions.filter((session) => session.remote && holds(baseKind(session.personKind))).map(({ strength }) => strength);
    const points = curve(own, honest).map(({ recall, falseShare }): [number, number] => [recall, (PREVALENCE * recall) / (PREVALENCE * recall + (1 - PREVALENCE) * falseShare || 1)]);
    if (points.length > 0) body.push(line(plot, points, color));
  }
  body.push(...legend(620, 70, FAMILIES), text(620, 160, 'One session in a hundred is piloted;'), text(620, 178, 'the honest ones are of all kinds here,'), text(620, 196, 'hard ones far more often than in life.'));
  return picture({ width: 930, height: 380, title: 'Precision and recall of the combined strength, where 1% of the sessions is piloted', description: 'Precision against recall for groups of kinds at a prevalence of one percent.', body });
}

export function timePicture(sessions: readonly SessionOutcome[]): string {
  const plot: Plot = { left: 76, top: 48, width: 520, height: 270, x: logarithmic(0.5, 120, [0.5, 1, 2, 5, 10, 20, 60, 120]), y: linear(0, 1, SHARES) };
  const kinds = [['proxy-80', 'proxy ≥ 80 ms', 0], ['proxy-40-80', 'proxy 40–80 ms', 2], ['proxy-25-40', 'proxy 25–40 ms', 1], ['proxy-15-25', 'proxy 15–25 ms', 4], ['remote-desktop', 'remote desktop', 0], ['packet-vpn', 'packet-level VPN', 3], ['handover', 'handover, after it', 2]] as const;
  const body = axes(plot, { xLabel: 'minutes of typing since the piloting began (logarithmic)', yLabel: 'sessions found at MEDIUM or above', yTick: percentTick });
  kinds.forEach(([kind, , color], i) => {
    const own = sessions.filter((session) => session.remote && baseKind(session.personKind) === kind);
    const times = own.flatMap(({ found }) => found[1]?.typingMin ?? []).toSorted((a, b) => a - b);
    const points = times.flatMap((time, n): [number, number][] => [[time, n / own.length], [time, (n + 1) / own.length]]);
    if (times.length > 0) body.push(line(plot, [[0.5, 0], ...points, [120, times.length / own.length]], color, i >= 4));
  });
  body.push(...legend(620, 70, kinds.map(([, name, color], i) => ({ name, color, dashed: i >= 4 }))));
  return picture({ width: 830, height: 380, title: 'Time to detect, in minutes of typing', description: 'Cumulative share of piloted sessions found at MEDIUM or above against minutes of typing since the piloting began, by kind.', body });
}

/** More intervals than that hide each other. */
const INTERVALS_MAX = 400;

export function distancePicture(sessions: readonly SessionOutcome[]): string {
  const ticks = [0, 4000, 8000, 12000, 16000, 20000];
  const plot: Plot = { left: 96, top: 48, width: 548, height: 320, x: linear(0, 20_000, ticks), y: linear(0, 20_000, ticks) };
  const all = sessions.flatMap(({ remote, operatorKm, distanceKm, legMs }) => (remote && operatorKm !== null && distanceKm !== null && legMs > 0 ? [{ operatorKm, distanceKm }] : []));
  const step = Math.max(1, Math.ceil(all.length / INTERVALS_MAX));
  const told = all.filter((_, i) => i % step === 0);
  const km = (value: number): string => value.toLocaleString('en-US');
  const body = axes(plot, { xLabel: 'true distance, km', yLabel: 'told distance, km', xTick: km, yTick: km });
  body.push(line(plot, [[0, 0], [20_000, 20_000]], 4, true));
  for (const { operatorKm, distanceKm } of told) {
    const covered = operatorKm >= distanceKm.lower && operatorKm <= distanceKm.upper;
    const x = px(xOf(plot, operatorKm));
    body.push(`<path class="l${covered ? 0 : 1}" stroke-opacity="0.35" d="M${x} ${px(yOf(plot, distanceKm.lower))}V${px(yOf(plot, distanceKm.upper))}"/><circle class="f${covered ? 0 : 1}" fill-opacity="0.7" cx="${x}" cy="${px(yOf(plot, distanceKm.likely))}" r="2.4"/>`);
  }
  body.push(...legend(668, 70, [{ name: 'covers the truth', color: 0 }, { name: 'does not', color: 1 }, { name: 'truth', color: 4, dashed: true }]));
  return picture({ width: 830, height: 430, title: `Operator distance: told interval and likely value against the truth${step === 1 ? '' : `, one session in ${step}`}`, description: `${step === 1 ? 'Each session' : `One session in ${step}`} as a vertical interval of told distance at its true distance.`, body });
}
