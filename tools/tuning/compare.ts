/** Two configurations over the same history: which findings differ, in what, and why. Pure. */
import type { Severity } from '#schemas/records.ts';
import { SIGNALS } from '../../services/detect/model/signals.ts';
import { sessionKey, type SessionLabel } from '../replay/labels.ts';
import type { PointAnswer } from './point-run.ts';
import type { SettingDifference } from './settings.ts';
import type { TrackedFinding } from './tracked-findings.ts';

/** Changes of a signal's strength below it are not told. */
const SIGNAL_CHANGE_MIN = 0.05;

export const CHANGES = ['new', 'gone', 'severity', 'earlier', 'later', 'evidence'] as const;
export type Change = (typeof CHANGES)[number];

/** What one of the two configurations says about a finding. */
export interface Side {
  readonly findingId: string;
  readonly severity: Severity;
  readonly riskScore: number;
  readonly strength: number;
  readonly openedAt: number;
}

export interface SignalChange {
  readonly signal: string;
  /** log10 of evidence at the strongest moment. */
  readonly a: number;
  readonly b: number;
  /** What the signal says, of the side where it is stronger; null where no finding tells it. */
  readonly explanation: string | null;
}

export interface Difference {
  readonly tenantId: string;
  readonly sessionId: string;
  readonly userId: string;
  /** How-manieth finding of the session. */
  readonly ordinal: number;
  readonly changes: readonly Change[];
  readonly label: { readonly remote: boolean; readonly kind: string } | null;
  readonly a: Side | null;
  readonly b: Side | null;
  /** b.openedAt − a.openedAt; null where one of them has no finding. */
  readonly shiftMs: number | null;
  readonly signals: readonly SignalChange[];
  /** Settings of which each alone, changed in A, makes the same change; empty where only several together do. */
  readonly settings: readonly string[];
  readonly reason: string;
}

export interface Compared {
  readonly differences: Difference[];
  readonly same: number;
}

/** A with one setting of B. */
export interface SingleChange {
  readonly setting: SettingDifference;
  readonly answer: PointAnswer;
}

type ByPlace = ReadonlyMap<string, TrackedFinding>;

const placeOf = ({ tenantId, sessionId, ordinal }: TrackedFinding): string => `${tenantId}\u001f${sessionId}\u001f${ordinal}`;
const byPlace = (answer: PointAnswer): ByPlace => new Map(answer.tracked.map((finding) => [placeOf(finding), finding]));

export function compareAnswers(a: PointAnswer, b: PointAnswer, singles: readonly SingleChange[], labels: ReadonlyMap<string, SessionLabel> | null): Compared {
  const [inA, inB] = [byPlace(a), byPlace(b)];
  const alone = singles.map(({ setting, answer }) => ({ setting, places: byPlace(answer) }));
  const places = [...new Set([...inA.keys(), ...inB.keys()])].toSorted();
  const differences: Difference[] = [];
  let same = 0;
  for (const place of places) {
    const [before, after] = [inA.get(place) ?? null, inB.get(place) ?? null];
    const changes = changesOf(before, after);
    if (changes.length === 0) {
      same++;
      continue;
    }
    const settings = alone.filter(({ places: found }) => sameChange(before, after, found.get(place) ?? null)).map(({ setting }) => setting.key);
    differences.push(differenceOf((before ?? after)!, before, after, changes, settings, { a, b, singles, labels }));
  }
  return { differences, same };
}

function changesOf(before: TrackedFinding | null, after: TrackedFinding | null): Change[] {
  if (before === null) return ['new'];
  if (after === null) return ['gone'];
  const changes: Change[] = [];
  if (before.severity !== after.severity) changes.push('severity');
  if (after.openedAt < before.openedAt) changes.push('earlier');
  if (after.openedAt > before.openedAt) changes.push('later');
  if (changes.length === 0 && (before.strength !== after.strength || before.riskScore !== after.riskScore)) changes.push('evidence');
  return changes;
}

/** Whether a third configuration, set against A, has every change that B has. */
function sameChange(before: TrackedFinding | null, after: TrackedFinding | null, third: TrackedFinding | null): boolean {
  if (after === null || before === null) return (third === null) === (after === null);
  if (third === null || third.severity !== after.severity) return false;
  const direction = Math.sign(after.openedAt - before.openedAt);
  if (direction !== 0 && Math.sign(third.openedAt - before.openedAt) !== direction) return false;
  return before.severity !== after.severity || direction !== 0 || third.strength !== before.strength || third.riskScore !== before.riskScore;
}

interface Context {
  readonly a: PointAnswer;
  readonly b: PointAnswer;
  readonly singles: readonly SingleChange[];
  readonly labels: ReadonlyMap<string, SessionLabel> | null;
}

function differenceOf(subject: TrackedFinding, before: TrackedFinding | null, after: TrackedFinding | null, changes: readonly Change[], settings: readonly string[], context: Context): Difference {
  const { tenantId, sessionId, userId, ordinal } = subject;
  const key = sessionKey(subject);
  const label = context.labels?.get(key) ?? null;
  const signals = signalChanges(before, after, context.a.peaks.get(key)?.held, context.b.peaks.get(key)?.held);
  const shiftMs = before === null || after === null ? null : after.openedAt - before.openedAt;
  const strengthA = context.a.peaks.get(key)?.strength ?? before?.strength ?? 0;
  const strengthB = context.b.peaks.get(key)?.strength ?? after?.strength ?? 0;
  const part = { tenantId, sessionId, userId, ordinal, changes, label: label === null ? null : { remote: label.remote, kind: label.kind }, a: sideOf(before), b: sideOf(after), shiftMs, signals, settings };
  return { ...part, reason: reasonOf(part, strengthA, strengthB, context.singles) };
}

function sideOf(finding: TrackedFinding | null): Side | null {
  if (finding === null) return null;
  const { findingId, severity, riskScore, strength, openedAt } = finding;
  return { findingId, severity, riskScore, strength, openedAt };
}

/** Where one side has no finding, its session's strongest window says what was held there. */
function signalChanges(before: TrackedFinding | null, after: TrackedFinding | null, heldA: readonly number[] | undefined, heldB: readonly number[] | undefined): SignalChange[] {
  const strengths = (finding: TrackedFinding | null, held: readonly number[] | undefined): Map<string, number> =>
    new Map(finding === null ? SIGNALS.map(({ name }, i) => [name, held?.[i] ?? 0]) : finding.evidence.map(({ signal, strength }) => [signal, strength]));
  const [inA, inB] = [strengths(before, heldA), strengths(after, heldB)];
  const changes: SignalChange[] = [];
  for (const signal of new Set([...inA.keys(), ...inB.keys()])) {
    const [a, b] = [rounded(inA.get(signal) ?? 0), rounded(inB.get(signal) ?? 0)];
    if (Math.abs(a - b) < SIGNAL_CHANGE_MIN) continue;
    const stronger = a > b ? (before ?? after) : (after ?? before);
    changes.push({ signal, a, b, explanation: stronger?.evidence.find((entry) => entry.signal === signal)?.explanation ?? null });
  }
  return changes.toSorted((x, y) => Math.abs(y.b - y.a) - Math.abs(x.b - x.a) || (x.signal < y.signal ? -1 : 1));
}

const rounded = (value: number): number => Math.round(value * 1000) / 1000;

/** One English sentence or two. */
function reasonOf({ changes, a, b, shiftMs, signals, settings }: Omit<Difference, 'reason'>, strengthA: number, strengthB: number, singles: readonly SingleChange[]): string {
  const evidence = signals.slice(0, 3).map((change) => `${change.signal} ${change.a.toFixed(1)} → ${change.b.toFixed(1)}`).join(', ');
  const moved = Math.abs(strengthA - strengthB) < 0.005 ? `the combined strength is ${strengthA.toFixed(1)} with both` : `the combined strength is ${strengthA.toFixed(1)} with A and ${strengthB.toFixed(1)} with B`;
  const what = [
    changes.includes('new') ? `opens at ${b!.severity} with B only` : null,
    changes.includes('gone') ? `opens at ${a!.severity} with A only` : null,
    changes.includes('severity') ? `is ${a!.severity} with A and ${b!.severity} with B` : null,
    shiftMs !== null && shiftMs !== 0 ? `opens ${minutes(Math.abs(shiftMs))} ${shiftMs < 0 ? 'earlier' : 'later'} with B` : null,
    changes.includes('evidence') ? `opens at the same time and severity with ${strengthA === strengthB ? 'another risk score' : 'other evidence'}` : null,
  ].filter((part) => part !== null);
  const named = settings.map((key) => singles.find(({ setting }) => setting.key === key)!.setting).map(({ key, a: from, b: to }) => `${key} ${shown(from)} → ${shown(to)}`);
  const cause = named.length > 0 ? ` ${named.join(', or ')} alone does it.` : singles.length > 1 ? ' Only several settings together do it.' : '';
  return `The finding ${what.join(' and ')}: ${moved}${evidence === '' ? '' : ` (${evidence})`}.${cause}`;
}

function minutes(ms: number): string {
  const whole = Math.round(ms / 60_000);
  return `${whole} ${whole === 1 ? 'minute' : 'minutes'}`;
}

export function shown(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 60 ? `${text.slice(0, 59)}…` : text;
}
